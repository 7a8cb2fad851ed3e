import { CryfoldError, didYouMean, isTestedOnName } from '@cryfold/core';
import { splitterOf } from '@cryfold/evaluation';
import { DEFAULT_FOLDS, type Spec } from './spec-schema.js';

type Protocol = Spec['protocol'];

/** The evaluation that `--test-on` adds. */
export const TEST_ON = 'test-on';

/** What one evaluation changes of a spec's protocol; its name is also that of its folder. */
const EVALUATIONS: Readonly<Record<string, Pick<Protocol, 'splitter'> & Partial<Protocol>>> = {
  'paper-split': { splitter: 'ShuffleSplit', testSize: 0.2, repeats: 1 },
  'paper-folds': { splitter: 'RepeatedKFold', folds: 5, repeats: 10 },
  grouped: { splitter: 'StratifiedGroupKFold' },
  logo: { splitter: 'LeaveOneGroupOut' },
  predefined: { splitter: 'PredefinedSplit' },
  [TEST_ON]: { splitter: 'PredefinedSplit' },
};

/** The paper has two protocols: one split of 80:20 and, for its means, ten times five folds. */
const PAPER = ['paper-split', 'paper-folds'];

/**
 * The evaluations that `--protocol` names, each once, in order.
 * @param names such as `paper,grouped`
 * @throws CryfoldError USAGE for a name that there is not
 */
export function evaluationsOf(names: readonly string[]): string[] {
  const known = ['paper', ...Object.keys(EVALUATIONS).filter((name) => name !== TEST_ON)];
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new CryfoldError('USAGE', `--protocol: there is no protocol ${JSON.stringify(name)}`, {
      context: { protocol: name },
      hint: `${didYouMean(name, known)}There are: ${known.join(', ')}. paper is ${PAPER.join(' and ')}.`,
    });
  }
  return [...new Set(names.flatMap((name) => (name === 'paper' ? PAPER : [name])))];
}

/**
 * The evaluations of a command, one at least: what `--protocol` names, else the spec's own (undefined); and with
 * `--test-on` that one after them.
 * @throws CryfoldError USAGE as `evaluationsOf`
 */
export function evaluationsWith(names: readonly string[], testOn: string | undefined): (string | undefined)[] {
  const named = evaluationsOf(names);
  return [...(named.length > 0 ? named : [undefined]), ...(testOn === undefined ? [] : [TEST_ON])];
}

/** Whether `protocolNameOf` gives such a name. */
export const isProtocolName = (name: string): boolean => Object.hasOwn(EVALUATIONS, name);

/**
 * The evaluation that a run is: a name that `--protocol` takes, or `TEST_ON`, which has the splitter of `predefined`.
 * @param dataset the name of the run's
 * @returns undefined where no flag asks for the run's splitter
 */
export function protocolNameOf(splitter: string, dataset: string): string | undefined {
  const names = Object.keys(EVALUATIONS).filter((name) => EVALUATIONS[name].splitter === splitter);
  const [first] = names;
  return names.includes(TEST_ON) && isTestedOnName(dataset) ? TEST_ON : first;
}

/** What flags ask of a protocol. */
interface Asked {
  /** A name that `evaluationsOf` gives; the spec's own splitter where there is none */
  protocol?: string;
  folds?: number;
  repeats?: number;
}

/**
 * A spec's protocol as flags change it. A named protocol has its own numbers of folds and repeats where it states them,
 * else the spec's; flags come first. Flags that its splitter does not take are left out, since they may be meant for
 * another one of several; `checkProtocol` refuses them for the spec's own splitter.
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

/** The paper's split is one; other splitters that take repeats have as many as are asked for. */
function repeatsOf({ splitter }: Pick<Protocol, 'splitter'>, repeats: number): number {
  const { takes } = splitterOf(splitter);
  return takes.includes('repeats') && !takes.includes('testSize') ? repeats : 1;
}
