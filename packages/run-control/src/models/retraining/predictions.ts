import { readPredictions } from '@cryfold/aggregator';
import { CryfoldError } from '@cryfold/core';
import { type Dataset, readClips } from '@cryfold/corpus';
import { argmaxRows } from '@cryfold/evaluation';
import { type LoadOptions, type ModelCard, ModelPredictor, readStoredModel } from '@cryfold/model-registry';
import type { RunStore } from '@cryfold/store';
import type { Contest, ContestData } from './contest.js';
import type { Predictions } from './verdict.js';

/** The out-of-fold predictions of an estimator or fusion of a finished run. */
export async function outOfFold(store: RunStore, run: string, of: string): Promise<Predictions> {
  const { data, predictions } = await readPredictions(store, run, of);
  const { probabilities: folds, scores } = predictions;
  const classes = data.classes.length;
  const winners = scores.map((fold) => argmaxRows(fold ?? [], classes));
  return (split, position) => ({
    winner: winners[split][position],
    probabilities: folds[split]!.subarray(position * classes, (position + 1) * classes),
  });
}

/**
 * Baseline that predicts, for every clip, the class shares among the split's training clips. It therefore always
 * predicts the largest class.
 */
export function classShares({ manifest: { clips, classes }, splits }: ContestData): Predictions {
  const shares = splits.map(({ train }) => {
    const counts = classes.map(() => 0);
    for (const clip of Array.from(train)) counts[classes.indexOf(clips[clip].label)]++;
    const probabilities = counts.map((count) => count / train.length);
    return { winner: argmaxRows(probabilities, classes.length)[0], probabilities };
  });
  return (split) => shares[split];
}

/**
 * Predictions of the stored champion for the clips of a contest. Classes on which the champion was not trained get
 * probability 0.
 * @throws CryfoldError PROBABILITIES_INVALID if a prediction is not a number; RATE_UNKNOWN, DATA_CHANGED,
 * TENSORFLOW_MISSING, ARTIFACT_MISSING, ARTIFACT_CORRUPT
 */
export async function storedPredictions(
  store: RunStore,
  card: ModelCard,
  { rows }: Contest,
  {
    splits,
    dataset,
    loading,
  }: Pick<ContestData, 'splits'> & { dataset: Pick<Dataset, 'root' | 'clips' | 'classes'>; loading?: LoadOptions },
): Promise<Predictions> {
  const wanted = new Set(rows.flatMap((positions, s) => positions.map((position) => splits[s].test[position])));
  const tested = [...wanted].sort((a, b) => a - b);
  const predictor = await ModelPredictor.load(await readStoredModel(store.artifacts, card), loading);
  const clips = tested.map((clip) => dataset.clips[clip]);
  const { probabilities, winners } = await predictor.predictClips(readClips({ root: dataset.root, clips }));
  const wrong = probabilities.findIndex((p) => !Number.isFinite(p));
  if (wrong >= 0) {
    const { id } = clips[Math.floor(wrong / predictor.classes.length)];
    throw new CryfoldError(
      'PROBABILITIES_INVALID',
      `${card.name}@${card.version} predicts ${probabilities[wrong]} for ${id}`,
      {
        context: { model: card.name, version: card.version, clip: id },
        hint: 'Train the champion again, or roll back to the previous champion with cryfold models rollback.',
      },
    );
  }
  const own = predictor.classes;
  const columns = dataset.classes.map((label) => own.indexOf(label));
  const rowOf = new Map(tested.map((clip, row) => [clip, row]));
  return (split, position) => {
    const row = rowOf.get(splits[split].test[position]) ?? -1;
    return {
      winner: columns.indexOf(winners[row]),
      probabilities: columns.map((c) => (c < 0 ? 0 : probabilities[row * own.length + c])),
    };
  };
}
