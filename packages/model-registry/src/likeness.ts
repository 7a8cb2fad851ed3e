import { decodeRecord, encodeRecord, FORMATS } from '@cryfold/core';
import { type ClipSummary, featureKindOf } from '@cryfold/features/kinds';
import { z } from 'zod';
import type { ReadModel } from './read-model.js';

/**
 * The file of a version that contains the rule. Versions without it never reject a window as unlike the training data.
 */
export const LIKENESS_FILE = 'likeness.json';

/** Maximum shares of held-out training clips that the two tests may reject. */
const TOO_FAR = 0.03;
const TOO_STEADY = 0.02;
const FOLDS = 5;
/** With fewer clips or groups, the data does not show what is typical. */
const LEAST_CLIPS = 50;
/** Minimum share of the covariance that is replaced by its diagonal. The share is larger if there are few clips. */
const SHRINKAGE = 0.05;
/** Lower bound on the limit for distances, needed because equal clips differ only by rounding errors. */
const LEAST_DISTANCE = 1e-3;
/** Values above this limit are set to the limit. */
const LARGEST = 1000;

const numbers = z.array(z.number()).min(1).max(1024);
const ruleSchema = z.strictObject({
  format: z.literal(FORMATS.model),
  kind: z.literal('mahalanobis'),
  /** Mean and scale of the shapes of the training clips */
  mean: numbers,
  scale: z.array(z.number().positive()).min(1).max(1024),
  /** The Cholesky factor of the covariance of scaled shapes: its lower triangle, row by row */
  factor: z.array(z.number()),
  /** A clip with a larger distance or less liveliness is unlike the training data */
  distance: z.number().positive(),
  liveliness: z.number().nonnegative(),
  /** Share of the training clips that the rule rejected when their groups were held out */
  falseRejects: z.number().min(0).max(1),
  clips: z.int().positive(),
});

/** Detects clips that are unlike those that a model was trained on. */
export type LikenessRule = z.infer<typeof ruleSchema>;

type Centre = Pick<LikenessRule, 'mean' | 'scale' | 'factor'>;

/**
 * Learns what training clips sound like. The limits are quantiles over clips whose groups were held out.
 * @param groups groups of the clips, which are kept together
 * @returns undefined if there are too few clips or groups
 */
export function learnLikeness(summaries: readonly ClipSummary[], groups: readonly string[]): LikenessRule | undefined {
  const folds = foldsOf(groups);
  if (summaries.length < LEAST_CLIPS || new Set(folds).size < 2) return undefined;
  const distances = new Float64Array(summaries.length);
  for (const fold of new Set(folds)) {
    const centre = centreOf(summaries.filter((_, i) => folds[i] !== fold));
    summaries.forEach(({ shape }, i) => {
      if (folds[i] === fold) distances[i] = distanceTo(centre, shape);
    });
  }
  const bounds = (wanted: (fold: number) => boolean) => ({
    distance: quantile(
      [...distances].filter((_, i) => wanted(folds[i])),
      1 - TOO_FAR,
    ),
    liveliness: quantile(
      summaries.filter((_, i) => wanted(folds[i])).map((one) => one.liveliness),
      TOO_STEADY,
    ),
  });
  let rejected = 0;
  for (const fold of new Set(folds)) {
    const { distance, liveliness } = bounds((other) => other !== fold);
    summaries.forEach((summary, i) => {
      if (folds[i] === fold && (distances[i] > distance || summary.liveliness < liveliness)) rejected++;
    });
  }
  const all = bounds(() => true);
  return {
    ...{ format: FORMATS.model, kind: 'mahalanobis' as const, ...centreOf(summaries) },
    ...{ ...all, distance: Math.max(all.distance, LEAST_DISTANCE) },
    ...{ falseRejects: rejected / summaries.length, clips: summaries.length },
  };
}

/**
 * Returns how unlike the training data a clip is; a result above 1 means that the rule rejects it. NaN values in the
 * clip's shape do not contribute to the distance, but the distance is still compared with the limit for complete
 * shapes.
 */
export function unlikeness(rule: LikenessRule, { shape, liveliness }: ClipSummary): number {
  const far =
    distanceTo(
      knownPart(rule, shape),
      shape.filter((value) => !Number.isNaN(value)),
    ) / rule.distance;
  const steady = rule.liveliness === 0 ? 0 : rule.liveliness / Math.max(liveliness, 1e-9);
  return Math.min(LARGEST, Math.max(far, steady));
}

export const encodeLikeness = (rule: LikenessRule): Uint8Array => encodeRecord(rule);

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER */
export function decodeLikeness(bytes: Uint8Array, name: string): LikenessRule {
  return decodeRecord(
    ruleSchema.refine(
      ({ mean, scale, factor }) =>
        scale.length === mean.length && factor.length === (mean.length * (mean.length + 1)) / 2,
      'the lengths of arrays do not match',
    ),
    bytes,
    name,
  );
}

/**
 * Returns how unlike the training data a row of the card's features is; a result above 1 means that the rule rejects
 * it.
 * @param audibleShare share of the frequencies, from 0 Hz up, that the recording contains
 */
export type Unlikeness = (row: Uint8Array | Float32Array, audibleShare?: number) => number;

/**
 * Loads the rule of a version; undefined if the version has none.
 * @throws CryfoldError JOB_INVALID, FORMAT_NEWER
 */
export async function loadUnlikeness({ card, files }: ReadModel): Promise<Unlikeness | undefined> {
  const bytes = files.get(LIKENESS_FILE);
  const summarize = bytes && (await featureKindOf(card.features).loadSummary?.(card.features));
  if (!summarize) return undefined;
  const rule = decodeLikeness(bytes, `${card.name}@${card.version}: ${LIKENESS_FILE}`);
  return (row, audibleShare) => unlikeness(rule, summarize(row, audibleShare));
}

/** Assigns a fold to each clip. Groups, largest first, go to the fold with the fewest clips. */
function foldsOf(groups: readonly string[]): number[] {
  const sizes = new Map<string, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const filled = new Array(FOLDS).fill(0);
  const folds = new Map<string, number>();
  for (const [group, size] of [...sizes].sort((a, b) => b[1] - a[1])) {
    const fold = filled.indexOf(Math.min(...filled));
    folds.set(group, fold);
    filled[fold] += size;
  }
  return groups.map((group) => folds.get(group) ?? 0);
}

function centreOf(summaries: readonly ClipSummary[]): Centre {
  const count = summaries.length;
  const size = summaries[0].shape.length;
  const mean = new Array<number>(size).fill(0);
  for (const { shape } of summaries)
    shape.forEach((value, i) => {
      mean[i] += value / count;
    });
  const scale = mean.map((centre, i) => {
    const squares = summaries.reduce((sum, { shape }) => sum + (shape[i] - centre) ** 2, 0);
    return Math.max(Math.sqrt(squares / count), 1e-6);
  });
  const covariance = new Float64Array(size * size);
  for (const { shape } of summaries) {
    const scaled = mean.map((centre, i) => (shape[i] - centre) / scale[i]);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) covariance[i * size + j] += (scaled[i] * scaled[j]) / count;
    }
  }
  const shrinkage = Math.max(SHRINKAGE, size / (size + count));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) covariance[i * size + j] *= 1 - shrinkage;
    // A constant value has variance 0. After scaling, all other values have variance 1.
    covariance[i * size + i] = 1;
  }
  return { mean, scale, factor: cholesky(covariance, size) };
}

/** Returns the Cholesky factor of a positive definite matrix from its lower triangle, row-major; packed by rows. */
function cholesky(matrix: Float64Array, size: number): number[] {
  const factor: number[] = [];
  const at = (i: number, j: number) => factor[(i * (i + 1)) / 2 + j];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * size + j];
      for (let k = 0; k < j; k++) rest -= at(i, k) * at(j, k);
      factor.push(i === j ? Math.sqrt(rest) : rest / at(j, j));
    }
  }
  return factor;
}

/** Reduces the centre to the dimensions in which the shape is known (not NaN). */
function knownPart(centre: Centre, shape: Float64Array): Centre {
  const known = [...shape.keys()].filter((i) => !Number.isNaN(shape[i]));
  if (known.length === shape.length) return centre;
  const { mean, scale, factor } = centre;
  const covariance = new Float64Array(known.length ** 2);
  for (const [row, i] of known.entries()) {
    for (const [column, j] of known.slice(0, row + 1).entries()) {
      for (let k = 0; k <= j; k++) {
        covariance[row * known.length + column] += factor[(i * (i + 1)) / 2 + k] * factor[(j * (j + 1)) / 2 + k];
      }
    }
  }
  return {
    ...{ mean: known.map((i) => mean[i]), scale: known.map((i) => scale[i]) },
    factor: cholesky(covariance, known.length),
  };
}

/** Returns the Mahalanobis distance. */
function distanceTo({ mean, scale, factor }: Centre, shape: Float64Array): number {
  const solved: number[] = [];
  let squares = 0;
  for (let i = 0, row = 0; i < mean.length; row += ++i) {
    let rest = (shape[i] - mean[i]) / scale[i];
    for (let k = 0; k < i; k++) rest -= factor[row + k] * solved[k];
    solved.push(rest / factor[row + i]);
    squares += solved[i] ** 2;
  }
  return Math.sqrt(squares);
}

/** Interpolates linearly between order statistics, like NumPy. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
