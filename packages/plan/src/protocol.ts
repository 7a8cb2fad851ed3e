import { type CryfoldError, isObject } from '@cryfold/core';
import { isFitted, SPLITTERS, type Splitter, splitterOf } from '@cryfold/evaluation';
import { DEFAULT_FOLDS, type Spec } from './spec-schema.js';

/**
 * If the splitter of a spec supports only one repeat, sets the number of repeats to one unless the spec sets it.
 * @param value a spec as written, of any shape
 */
export function withProtocolDefaults(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.protocol) || value.protocol.repeats !== undefined) return value;
  const splitter = SPLITTERS.find((name) => name === (value.protocol as Record<string, unknown>).splitter);
  if (!splitter || splitterOf(splitter).takes.includes('repeats')) return value;
  return { ...value, protocol: { ...value.protocol, repeats: 1 } };
}

/**
 * Checks that the settings of a spec's protocol suit its splitter.
 * @throws CryfoldError the error that `invalid` creates
 */
export function checkProtocol(
  { protocol, fusion, search }: Spec,
  invalid: (key: string, message: string) => CryfoldError,
): void {
  const { splitter, folds, repeats, testSize } = protocol;
  const { takes } = splitterOf(splitter);
  if (!takes.includes('repeats') && repeats > 1) {
    const repeated = SPLITTERS.find((name) => name === `Repeated${splitter}`);
    const instead = repeated ? `, or splitter: ${repeated}` : '';
    throw invalid('protocol.repeats', `${splitter} does not support repeats: write repeats: 1${instead}`);
  }
  if (testSize !== undefined && !takes.includes('testSize')) {
    throw invalid(
      'protocol.testSize',
      `${splitter} does not support a test size: remove this key, or use ShuffleSplit`,
    );
  }
  if (takes.includes('folds')) return;
  if (folds !== DEFAULT_FOLDS) {
    throw invalid('protocol.folds', `${splitter} does not support a number of folds: remove this key`);
  }
  if (search?.nested)
    throw invalid('search.nested', `${splitter} does not support a number of inner folds: use a k-fold splitter`);
  const nested = Object.entries(fusion).find(([, rule]) => rule.nested);
  if (nested) {
    throw invalid(
      `fusion.${nested[0]}.nested`,
      `${splitter} does not support a number of inner folds: use a k-fold splitter`,
    );
  }
  const fitted = Object.entries(fusion).find(([, { rule }]) => isFitted(rule));
  if (fitted && !canFit(splitter)) {
    const [name, { rule }] = fitted;
    throw invalid(
      `fusion.${name}.rule`,
      `${rule} learns from predictions of training clips, which ${splitter} never tests: use mean`,
    );
  }
}

/**
 * Whether a splitter tests the training clips of each fold in other folds, so that a fitted fusion can learn from the
 * predictions for these clips.
 */
export function canFit(splitter: Splitter): boolean {
  return !splitterOf(splitter).takes.includes('testSize');
}
