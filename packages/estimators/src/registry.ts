import { z } from 'zod';
import { command } from './command/command.js';
import type { AnyKind, FoldQueue } from './estimator-kind.js';
import { dense } from './networks/dense.js';
import { smallCnn } from './networks/small-cnn.js';
import { tlResnet50 } from './networks/tl-resnet50.js';
import { twoBranch } from './networks/two-branch.js';
import { svm } from './svm/svm.js';

/** Every kind of estimator. To add one, write its file and name it here: docs/extending.md. */
const KINDS = [smallCnn, tlResnet50, dense, twoBranch, svm, command] as const;

/** What every estimator may say besides the parameters of its kind. */
const common = {
  /** The feature set that it reads; default: the spec's first one */
  features: z.string().max(41).optional(),
};

/** An estimator's entry in a spec. */
export const estimatorSchema = z.discriminatedUnion(
  'kind',
  KINDS.map(({ parameters }) => parameters.extend(common)) as never,
) as unknown as z.ZodType<Estimator>;

/** The parameters of an estimator, its kind among them. */
export type Estimator = z.infer<(typeof KINDS)[number]['parameters']> & z.infer<z.ZodObject<typeof common>>;

export const estimatorKinds: readonly AnyKind[] = KINDS;

const byName = new Map<string, AnyKind>(KINDS.map((kind) => [kind.kind, kind]));

/** The kind that implements an estimator. */
export function kindOf({ kind }: { kind: string }): AnyKind {
  const found = byName.get(kind);
  if (!found) throw new TypeError(`no estimator kind is called ${kind}`);
  return found;
}

/** The queue whose workers train an estimator. */
export function queueOf(estimator: Estimator): FoldQueue {
  const { queue } = kindOf(estimator);
  return typeof queue === 'function' ? queue(estimator) : queue;
}

/** What a sweep may vary of an estimator, by name. */
export function searchedOf(estimator: Estimator): Record<string, unknown> {
  return kindOf(estimator).searched?.of(estimator) ?? estimator;
}

/** An estimator's entry with other values of what a sweep may vary; it may be invalid. */
export function withSearched(estimator: Estimator, values: Record<string, unknown>): unknown {
  const { searched } = kindOf(estimator);
  return searched ? searched.with(estimator, values) : { ...estimator, ...values };
}

/**
 * What a reader must know beside every figure of an estimator.
 * @param entry its entry in a stored spec; undefined for one that this version cannot read
 */
export function caveatOf(entry: unknown): string | undefined {
  const { data } = estimatorSchema.safeParse(entry);
  return data && kindOf(data).caveat?.(data);
}
