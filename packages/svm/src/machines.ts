import { CryfoldError, counted } from '@cryfold/core';
import type { SvmParameters } from './parameters.js';

/** A two-class machine of a multi-class fit: class `positive` against class `negative`, or against all others. */
export interface MachineRole {
  positive: number;
  negative: number | 'rest';
}

/**
 * Returns the machines for the classes that are present: one per class, or one per pair in LIBSVM's order (0-1, 0-2,
 * 1-2 ...).
 */
export function machineRoles(strategy: SvmParameters['strategy'], present: readonly number[]): MachineRole[] {
  if (strategy === 'one-vs-rest') return present.map((positive) => ({ positive, negative: 'rest' }));
  return present.flatMap((positive, i) => present.slice(i + 1).map((negative) => ({ positive, negative })));
}

/** Returns the sign of each label: +1, -1, or 0 if the label is excluded. */
export function machineSigns({ positive, negative }: MachineRole, labels: Int32Array): Int8Array {
  return Int8Array.from(labels, (label) =>
    label === positive ? 1 : negative === 'rest' || label === negative ? -1 : 0,
  );
}

/**
 * Returns the classes of the training rows, ascending.
 * @throws CryfoldError SVM_ONE_CLASS if there are fewer than two
 */
export function presentClasses(labels: Int32Array): number[] {
  const present = [...new Set(labels)].sort((a, b) => a - b);
  if (present.length >= 2) return present;
  throw new CryfoldError(
    'SVM_ONE_CLASS',
    `found ${counted(labels.length, 'training row')} of ${counted(present.length, 'class')}; an SVM needs two classes`,
    {
      context: { rows: labels.length },
      hint: 'Use fewer folds, stratified folds, or more clips of each class.',
    },
  );
}

/**
 * Returns the upper bounds of alpha: C times the weight of the row. 'balanced' is scikit-learn's n / (classes * count):
 * for one-vs-rest, over the two sides of the machine (like OneVsRestClassifier(SVC(class_weight='balanced'))); for
 * one-vs-one, over all classes (like SVC).
 * @param classNames labels that the weights refer to
 * @throws CryfoldError SPEC_INVALID for a weight of a label that does not exist
 */
export function upperBounds(
  { C, classWeight }: Pick<SvmParameters, 'C' | 'classWeight'>,
  role: MachineRole,
  labels: Int32Array,
  classNames: readonly string[] | undefined,
): Float64Array {
  if (classWeight === 'none') return new Float64Array(labels.length).fill(C);
  if (classWeight === 'balanced') {
    const sides = role.negative === 'rest' ? Int32Array.from(machineSigns(role, labels)) : labels;
    const counts = new Map<number, number>();
    for (const side of sides) counts.set(side, (counts.get(side) ?? 0) + 1);
    return Float64Array.from(sides, (side) => (C * labels.length) / (counts.size * (counts.get(side) ?? 1)));
  }
  const unknown = Object.keys(classWeight).find((label) => !classNames?.includes(label));
  if (unknown !== undefined) {
    throw new CryfoldError('SPEC_INVALID', `classWeight: there is no class ${unknown}`, {
      context: { key: `classWeight.${unknown}` },
      hint: `Use the data's labels: ${classNames?.join(', ') ?? 'unknown'}.`,
    });
  }
  return Float64Array.from(labels, (label) => {
    const name = classNames?.[label] ?? '';
    return Object.hasOwn(classWeight, name) ? C * classWeight[name] : C;
  });
}
