// The simulated infants of tools/simulate-retrain: corpora, classifiers that learn from them, and their predictions.
import { argmaxRows, METRICS, type MetricName, type RandomState, type Split } from '@cryfold/evaluation';
import type { Predictions } from '@cryfold/run-control';

export const CLASSES = ['a', 'b', 'c'];
/** Number of values that describe a clip, and how many of these the poor configuration uses */
export const COLUMNS = 30;
export const POOR = 20;

export interface SimulatedClip {
  id: string;
  hash: string;
  label: string;
  group: string;
  class: number;
  columns: Float64Array;
}

/** Standard normal random numbers by the Box-Muller method. */
function normals(random: RandomState): () => number {
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * Infants with different voices. Half of the infants only have clips of one class, as would be the case for sick
 * infants.
 */
export class World {
  readonly #normal: () => number;
  readonly #means: Float64Array[];
  #clips = 0;
  #infants = 0;

  constructor(private readonly random: RandomState) {
    this.#normal = normals(random);
    this.#means = CLASSES.map(() => this.#draw(0.4));
  }

  #draw(spread: number): Float64Array {
    return Float64Array.from({ length: COLUMNS }, () => spread * this.#normal());
  }

  infants(count: number) {
    return Array.from({ length: count }, () => ({
      name: `infant${this.#infants++}`,
      voice: this.#draw(0.4),
      only: this.random.randint(2) === 0 ? this.random.randint(CLASSES.length) : undefined,
    }));
  }

  clip({ name, voice, only }: ReturnType<World['infants']>[number]): SimulatedClip {
    const label = only ?? this.random.randint(CLASSES.length);
    const id = String(this.#clips++);
    const noise = this.#draw(1);
    const columns = noise.map((value, column) => value + voice[column] + this.#means[label][column]);
    return { id, hash: id, label: CLASSES[label], group: name, class: label, columns };
  }
}

/** Probability of each class for a clip. */
type Model = (clip: SimulatedClip) => number[];

/** Trains a nearest-mean classifier on the first columns. @returns undefined if there are fewer than two classes */
export function train(clips: readonly SimulatedClip[], columns: number): Model | undefined {
  const counts = CLASSES.map(() => 0);
  const means = CLASSES.map(() => new Float64Array(columns));
  for (const clip of clips) {
    counts[clip.class]++;
    for (let column = 0; column < columns; column++) means[clip.class][column] += clip.columns[column];
  }
  means.forEach((mean, c) => {
    for (let column = 0; column < columns; column++) mean[column] /= counts[c];
  });
  if (counts.filter((count) => count > 0).length < 2) return undefined;
  return (clip) => {
    const scores = means.map((mean, c) => {
      if (counts[c] === 0) return Number.NEGATIVE_INFINITY;
      let distance = 0;
      for (let column = 0; column < columns; column++) distance += (clip.columns[column] - mean[column]) ** 2;
      return -distance / 2;
    });
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  };
}

export function predicted(probabilities: readonly number[]) {
  return { winner: argmaxRows(probabilities, CLASSES.length)[0], probabilities };
}

export function measure(model: Model, clips: readonly SimulatedClip[], metric: MetricName): number {
  const labels = clips.map((clip) => clip.class);
  return METRICS[metric].of(labels, Float64Array.from(clips.flatMap(model)), CLASSES.length);
}

/** Out-of-fold predictions of a configuration; undefined if a fold cannot be trained. */
export function crossValidate(
  clips: readonly SimulatedClip[],
  splits: readonly Split[],
  columns: number,
  usable: (clip: number) => boolean = () => true,
): Predictions | undefined {
  const folds = splits.map(({ train: rows, test }) => {
    const model = train(
      Array.from(rows)
        .filter(usable)
        .map((row) => clips[row]),
      columns,
    );
    return model && Array.from(test, (row) => predicted(model(clips[row])));
  });
  if (folds.some((fold) => fold === undefined)) return undefined;
  return (split, position) => folds[split]![position];
}
