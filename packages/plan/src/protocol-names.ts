import { CryfoldError, didYouMean, isTestedOnName } from '@cryfold/core';
import { splitterOf } from '@cryfold/evaluation';
import { DEFAULT_FOLDS, type Spec } from './spec-schema.js';

type Protocol = Spec['protocol'];

/** The evaluation that `--test-on` adds. */
export const TEST_ON = 'test-on';

/** How each evaluation changes the protocol of a spec, by name. The folder of an evaluation has the same name. */
const EVALUATIONS: Readonly<Record<string, Pick<Protocol, 'splitter'> & Partial<Protocol>>> = {
  'paper-split': { splitter: 'ShuffleSplit', testSize: 0.2, repeats: 1 },
  'paper-folds': { splitter: 'RepeatedKFold', folds: 5, repeats: 10 },
  grouped: { splitter: 'StratifiedGroupKFold' },
  logo: { splitter: 'LeaveOneGroupOut' },
  predefined: { splitter: 'PredefinedSplit' },
  [TEST_ON]: { splitter: 'PredefinedSplit' },
};

/**
 * The paper uses two protocols: a single 80:20 split, and five folds repeated ten times, from which it computes its
 * means.
 */
const PAPER = ['paper-split', 'paper-folds'];

/**
 * Returns the evaluations listed in `--protocol`, in order and without duplicates.
 * @param names such as `paper,grouped`
 * @throws CryfoldError USAGE for an unknown name
 */
export function evaluationsOf(names: readonly string[]): string[] {
  const known = ['paper', ...Object.keys(EVALUATIONS).filter((name) => name !== TEST_ON)];
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new CryfoldError('USAGE', `--protocol: there is no protocol ${JSON.stringify(name)}`, {
      context: { protocol: name },
      hint: `${didYouMean(name, known)}Protocols: ${known.join(', ')}. paper stands for ${PAPER.join(' and ')}.`,
    });
  }
  return [...new Set(names.flatMap((name) => (name === 'paper' ? PAPER : [name])))];
}

/**
 * Returns the evaluations that a command performs: those listed in `--protocol`, or, without this flag, the single
 * evaluation that the spec defines (represented by undefined). `--test-on` adds another evaluation.
 * @throws CryfoldError USAGE like `evaluationsOf`
 */
export function evaluationsWith(names: readonly string[], testOn: string | undefined): (string | undefined)[] {
  const named = evaluationsOf(names);
  return [...(named.length > 0 ? named : [undefined]), ...(testOn === undefined ? [] : [TEST_ON])];
}

/** Whether `protocolNameOf` can return this name. */
export const isProtocolName = (name: string): boolean => Object.hasOwn(EVALUATIONS, name);

/**
 * Returns the evaluation of a run: a name for `--protocol`, or `TEST_ON` if models of one corpus are tested on another.
 * @param dataset name of the run's dataset
 * @returns undefined if no flag selects the run's splitter
 */
export function protocolNameOf(splitter: string, dataset: string): string | undefined {
  const names = Object.keys(EVALUATIONS).filter((name) => EVALUATIONS[name].splitter === splitter);
  const [first] = names;
  return names.includes(TEST_ON) && isTestedOnName(dataset) ? TEST_ON : first;
}

/** Protocol settings that flags set. */
interface Asked {
  /** A name from `evaluationsOf`; if absent, the spec's own splitter is used */
  protocol?: string;
  folds?: number;
  repeats?: number;
}

/**
 * Applies flags to a spec's protocol. If a named protocol does not define the number of folds or repeats, the spec's
 * number is used. Flags take precedence over both. Flags that the protocol's splitter does not support are ignored,
 * since a command may list several protocols, and the flags may be meant for another of them; `checkProtocol` rejects
 * them for the spec's own splitter.
 */
export function protocolOf(spec: Protocol, { protocol: name, ...asked }: Asked): Protocol {
  const { folds = spec.folds, repeats = spec.repeats } = asked;
  if (name === undefined) return { ...spec, folds, repeats };
  const named = EVALUATIONS[name];
  const { takes } = splitterOf(named.splitter);
  return {
    ...named,
    folds: takes.includes('folds') ? (asked.folds ?? named.folds ?? folds) : DEFAULT_FOLDS,
    repeats: repeatsOf(named, asked.repeats ?? named.repeats ?? repeats),
  };
}

/**
 * The paper's 80:20 split is not repeated. All other splitters that support repeats use the requested number of
 * repeats.
 */
function repeatsOf({ splitter }: Pick<Protocol, 'splitter'>, repeats: number): number {
  const { takes } = splitterOf(splitter);
  return takes.includes('repeats') && !takes.includes('testSize') ? repeats : 1;
}
