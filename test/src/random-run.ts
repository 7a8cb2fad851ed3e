import { Random, sha256 } from '@cryfold/core';
import { repeatedKFold } from '@cryfold/evaluation';
import { type DatasetManifest, type FoldResult, parseSpec, planRun, type RunPlan } from '@cryfold/plan';
import { type ArtifactStore, RunStore } from '@cryfold/store';

export interface RandomRunOptions {
  clips: number;
  repeats: number;
  /** For each estimator, how much to add to the logit of the true class; with 0, the estimator guesses */
  lean?: Partial<Record<'small-cnn' | 'tl-resnet50' | 'svm', number>>;
  classes?: readonly string[];
  name?: string;
  /** Number of folds, counted from the last one, for which the SVM has no result */
  holes?: number;
  /** Whether to write only the plan of a cancelled run, and no results */
  planOnly?: boolean;
}

const CLASSES = ['asphyxia', 'deaf', 'hunger', 'normal', 'pain'];
/** Percentages of Baby Chillanto's clips by class. */
const SHARES = [15, 39, 15, 22, 9];
const LEAN = { 'small-cnn': 2.4, 'tl-resnet50': 2.9, svm: 2.7 };
const SIZE = { height: 60, width: 90 };

const SPEC = `
version: 1
name: random
estimators:
  small-cnn: { kind: small-cnn }
  tl-resnet50: { kind: tl-resnet50 }
  svm: { kind: svm }
fusion:
  combined: { members: [tl-resnet50, svm] }
`;

/**
 * Writes a finished but not yet aggregated run of the paper's four models to a store, without training anything. The
 * probabilities are random, but tend to favour the true class, except for clips of some difficult infants. The run also
 * has learning curves, durations, and images with stripes. Equal options produce equal probabilities.
 */
export async function writeRandomRun(
  artifacts: ArtifactStore,
  {
    clips: count,
    repeats,
    lean = LEAN,
    classes = CLASSES,
    name = 'random numbers',
    holes = 0,
    planOnly,
  }: RandomRunOptions,
): Promise<RunPlan> {
  const store = new RunStore(artifacts);
  const random = new Random(11);
  const spec = parseSpec(SPEC, 'random.yaml');
  spec.protocol.repeats = repeats;
  const labels = Array.from({ length: count }, (_, i) => labelAt((100 * i) / count));
  // Clips that belong to the same infant are equally difficult for every model.
  const groups = labels.map((_, i) => Math.floor(i / 30));
  const ease = Array.from({ length: groups.at(-1)! + 1 }, () => random.normal() - 0.2);
  const manifest: DatasetManifest = {
    format: 1,
    name,
    contentHash: sha256(new TextEncoder().encode(`${name} ${count} ${classes.join()}`)),
    grouped: true,
    classes: [...classes],
    clips: labels.map((label, i) => ({
      id: `${classes[label]}/${String(i).padStart(4, '0')}.wav#0`,
      label: classes[label],
      group: String(groups[i] + 1).padStart(4, '0'),
    })),
  };
  const plan = planRun({ spec, manifest, splits: repeatedKFold(count, { splits: 5, repeats, seed: 0 }) });
  if (planOnly) {
    await store.runs.cancel(plan.run);
    await store.runs.savePlan(plan);
    return plan;
  }
  const clock = { now: Date.UTC(2026, 0, 1) };
  for (const [j, job] of plan.jobs.entries()) {
    const kind = spec.estimators[job.trial].kind as keyof typeof LEAN;
    if (kind === 'svm' && j >= plan.jobs.length - 3 * holes) continue;
    const { test } = plan.splits[job.split];
    const matrix = new Float64Array(test.length * classes.length);
    for (const [row, clip] of test.entries()) {
      const skill = (lean[kind] ?? LEAN[kind]) * (lean[kind] === 0 ? 1 : 1 + 0.4 * ease[groups[clip]]);
      const raw = classes.map((_, c) => Math.exp(1.3 * random.normal() + (c === labels[clip] ? skill : 0)));
      const total = raw.reduce((sum, value) => sum + value, 0);
      raw.forEach((value, c) => {
        matrix[row * classes.length + c] = value / total;
      });
    }
    const probabilities = await store.folds.saveMatrix(job.key, 'random', 'probabilities.npy', {
      ...{ data: matrix, rows: test.length, columns: classes.length },
    });
    const seconds = kind === 'svm' ? 2 : 8 + 4 * random.uniform();
    const record: FoldResult = {
      format: 1,
      key: job.key,
      attempt: 'random',
      probabilities,
      curve: kind === 'svm' ? [] : curve(random, kind === 'small-cnn' ? 10 : 3),
      seconds,
      started: new Date(clock.now + 1000 * seconds * (j % 3)).toISOString(),
      environment: { host: `worker-${j % 2}`, processor: 'none: random numbers' },
    };
    clock.now += 3000;
    await store.folds.commit(record);
  }
  const shape = [count, SIZE.height, SIZE.width, 3];
  await store.datasets.saveFeatures(plan.features.key, { data: stripes(labels), shape });
  await store.datasets.saveManifest(manifest);
  await store.runs.savePlan(plan);
  return plan;
}

function labelAt(percent: number): number {
  let label = 0;
  for (let sum = SHARES[0]; percent >= sum; sum += SHARES[label]) label++;
  return label;
}

function curve(random: Random, epochs: number): FoldResult['curve'] {
  return Array.from({ length: epochs }, (_, e) => {
    const accuracy = 0.95 - 0.5 * Math.exp(-(e + 1) / 3) + 0.01 * random.normal();
    const [loss, seconds] = [1.2 * Math.exp(-(e + 1) / 4), 1];
    return { epoch: e, loss, accuracy, testLoss: loss + 0.2, testAccuracy: accuracy - 0.06, seconds };
  });
}

/** Returns an image with horizontal bands in SoX's colours. Bands are closer together for higher labels. */
function stripes(labels: readonly number[]): Uint8Array {
  const { height, width } = SIZE;
  const pixels = new Uint8Array(labels.length * height * width * 3);
  for (let i = 0, at = 0; i < labels.length; i++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 3) {
        const level = 0.5 + 0.5 * Math.sin(((labels[i] + 2) * y) / 6 + Math.sin((x + i) / 15));
        pixels[at] = 255 * level;
        pixels[at + 1] = 180 * Math.max(0, level - 0.6);
        pixels[at + 2] = 120 * (1 - level);
      }
    }
  }
  return pixels;
}
