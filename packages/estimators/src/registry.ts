import { z } from 'zod';
import { clusteringSvm } from './classical/clustering-svm.js';
import { gradientBoosting } from './classical/gradient-boosting.js';
import { nearestNeighbours } from './classical/k-nearest-neighbours.js';
import { linearSvm } from './classical/linear-svm.js';
import { logisticRegression } from './classical/logistic-regression.js';
import { randomForest } from './classical/random-forest.js';
import { command } from './command/command.js';
import type { AnyKind, FoldQueue } from './estimator-kind.js';
import { networks } from './networks/networks.js';
import { svm } from './svm/svm.js';

/**
 * Every kind of estimator. To add a kind, write a file for it and add it here. Networks have a registry of their own;
 * see docs/extending.md.
 */
const KINDS = [
  ...networks,
  svm,
  command,
  logisticRegression,
  nearestNeighbours,
  randomForest,
  gradientBoosting,
  linearSvm,
  clusteringSvm,
] as const;

/** Parameters that every estimator has in addition to those of its kind. */
const common = {
  features: z
    .string()
    .max(41)
    .optional()
    .describe('name of the feature set that the estimator reads; default: the first one in the spec'),
};

/** An estimator's entry in a spec. */
export const estimatorSchema = z.discriminatedUnion(
  'kind',
  KINDS.map(({ parameters }) => parameters.extend(common)) as never,
) as unknown as z.ZodType<Estimator, EstimatorInput>;

/** The parameters of an estimator, including its kind. */
export type Estimator = z.infer<(typeof KINDS)[number]['parameters']> & z.infer<z.ZodObject<typeof common>>;

/** An estimator's entry as written: parameters with a default may be omitted. */
export type EstimatorInput = z.input<(typeof KINDS)[number]['parameters']> & z.input<z.ZodObject<typeof common>>;

export const estimatorKinds: readonly AnyKind[] = KINDS;

const byName = new Map<string, AnyKind>(KINDS.map((kind) => [kind.kind, kind]));

/** Returns the kind that implements an estimator. */
export function kindOf({ kind }: { kind: string }): AnyKind {
  const found = byName.get(kind);
  if (!found) throw new TypeError(`there is no estimator kind ${kind}`);
  return found;
}

/**
 * Checks that this machine has everything that training estimators of these kinds needs. Kinds may share a check, which
 * takes up to a second, so each check runs only once.
 * @throws CryfoldError such as TENSORFLOW_MISSING
 */
export async function checkRuntimes(kinds: Iterable<AnyKind>): Promise<void> {
  const checks = new Set([...kinds].flatMap(({ checkRuntime }) => checkRuntime ?? []));
  for (const check of checks) await check();
}

/** Returns the queue whose workers train an estimator. */
export function queueOf(estimator: Estimator): FoldQueue {
  const { queue } = kindOf(estimator);
  return typeof queue === 'function' ? queue(estimator) : queue;
}

/** Returns the parameters of an estimator that a sweep may vary, by name. */
export function searchedOf(estimator: Estimator): Record<string, unknown> {
  return kindOf(estimator).searched?.of(estimator) ?? estimator;
}

/**
 * Returns an estimator's entry with other values for parameters that a sweep may vary. The entry may be invalid.
 * @param estimator may come from a stored spec, with a kind that this version does not support
 */
export function withSearched(estimator: { kind?: unknown }, values: Readonly<Record<string, unknown>>): unknown {
  const searched = byName.get(String(estimator.kind))?.searched;
  return searched ? searched.with(estimator, values) : { ...estimator, ...values };
}

/**
 * Returns the caveat to show with every figure of an estimator.
 * @param entry its entry in a stored spec; undefined if this version cannot read the entry
 */
export function caveatOf(entry: unknown): string | undefined {
  const { data } = estimatorSchema.safeParse(entry);
  return data && kindOf(data).caveat?.(data);
}
