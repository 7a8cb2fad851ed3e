import { METRICS, type MetricName, scoreOf, type TrialRow } from '@cryfold/evaluation';
import { type SearchParameter, searchSpace, trialNumber } from '@cryfold/plan';
import { importanceText, type ParameterImportance, parameterImportance } from './importance.js';

/** Maximum number of trials in a picture; the best ones are kept. */
const MOST_TRIALS = 400;

/** Where trials that do not have a parameter are drawn on its axis: outside the range of values. */
const ABSENT: Tick = { at: -0.15, text: 'not set' };

/** A value on an axis, from 0 (low end) to 1; below 0 for a trial that does not have the parameter. */
export interface Tick {
  at: number;
  text: string;
}

export interface PictureAxis {
  name: string;
  ticks: Tick[];
}

export interface PictureTrial {
  trial: string;
  /** In the order in which trials started, from 1 */
  number: number;
  /** Whether the trial was evaluated on all folds and epochs, so that its score is comparable */
  complete: boolean;
  /** Mean of the metric */
  score: number;
  /** Best score of all complete trials up to this one; null before the first complete trial */
  best: number | null;
  /** Position on each axis */
  at: number[];
}

/** What the charts of one searched estimator show. */
export interface SweepPicture {
  base: string;
  /** One axis per searched parameter */
  axes: PictureAxis[];
  /** In the order in which they started, without trials that failed or have no result yet */
  trials: PictureTrial[];
  /** Number of trials that were left out because there are too many to show */
  hidden: number;
  /** Also contains the share as text, because the live page cannot run code from this package */
  importance: (ParameterImportance & { text: string })[];
}

/**
 * Returns the history, parallel coordinates and parameter importance of a sweep for each searched estimator.
 * @param spec the run's stored spec; if it has no readable search space, axes are linear
 * @param search the trials, and the metric by which they are ranked
 */
export function sweepPictures(
  spec: Readonly<Record<string, unknown>>,
  { metric, trials }: { metric: MetricName; trials: readonly TrialRow[] },
): SweepPicture[] {
  const space = searchSpace(spec);
  return [...new Set(trials.map(({ base }) => base))].map((base) => {
    const own = trials.filter((row) => row.base === base);
    const begun = own.flatMap(({ mean, ...row }) =>
      mean === null || row.state === 'FAILED' ? [] : [{ ...row, mean, number: trialNumber(row.trial) }],
    );
    begun.sort((a, b) => a.number - b.number);
    const names = [...new Set(begun.flatMap(({ parameters }) => Object.keys(parameters)))];
    const axes = names.map((name) =>
      axisOf(
        space[base]?.[name],
        begun.flatMap(({ parameters }) => (Object.hasOwn(parameters, name) ? [parameters[name]] : [])),
      ),
    );
    let best: number | null = null;
    const pictured = begun.map(({ trial, number, state, mean, parameters }): PictureTrial => {
      const complete = state === 'COMPLETE';
      if (complete && (best === null || scoreOf(metric, mean) > scoreOf(metric, best))) best = mean;
      const at = names.map((name, a) => (Object.hasOwn(parameters, name) ? axes[a].at(parameters[name]) : ABSENT.at));
      return { trial, number, complete, score: mean, best, at };
    });
    const kept = keep(pictured, metric);
    return {
      base,
      axes: names.map((name, a) => {
        const absent = begun.some(({ parameters }) => !Object.hasOwn(parameters, name)) ? [ABSENT] : [];
        return { name, ticks: [...absent, ...axes[a].ticks] };
      }),
      trials: kept,
      hidden: pictured.length - kept.length,
      importance: parameterImportance(own).map((one) => ({ ...one, text: importanceText(one) })),
    };
  });
}

function keep(trials: readonly PictureTrial[], metric: MetricName): PictureTrial[] {
  if (trials.length <= MOST_TRIALS) return [...trials];
  const ranked = [...trials].sort(
    (a, b) => Number(b.complete) - Number(a.complete) || METRICS[metric].sign * (b.score - a.score),
  );
  const shown = new Set(ranked.slice(0, MOST_TRIALS));
  return trials.filter((trial) => shown.has(trial));
}

interface Scale {
  ticks: Tick[];
  at: (value: unknown) => number;
}

const rounded = (at: number) => Number(Math.min(1, Math.max(0, at)).toFixed(4));
const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const numberText = (value: number, digits: number) => {
  const short = Number(value.toPrecision(digits));
  return short !== 0 && (Math.abs(short) < 0.001 || Math.abs(short) >= 1e6) ? short.toExponential() : String(short);
};

function axisOf(parameter: SearchParameter | undefined, values: readonly unknown[]): Scale {
  if ((parameter && 'choice' in parameter) || !values.every((value) => typeof value === 'number')) {
    const choices = parameter && 'choice' in parameter ? parameter.choice : values;
    const texts = [...new Set([...choices, ...values].map(plain))];
    const at = (text: string) => (texts.length > 1 ? rounded(texts.indexOf(text) / (texts.length - 1)) : 0.5);
    return { ticks: texts.map((text) => ({ at: at(text), text })), at: (value) => at(plain(value)) };
  }
  const range =
    parameter && ('log' in parameter ? parameter.log : 'int' in parameter ? parameter.int : parameter.uniform);
  const numbers = values as readonly number[];
  const [low, high] = [Math.min(...(range ?? []), ...numbers), Math.max(...(range ?? []), ...numbers)];
  const isWhole = parameter !== undefined && 'int' in parameter;
  const isLog = parameter !== undefined && 'log' in parameter && low > 0;
  const part = (value: number) => (isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const at = (value: unknown) => (high > low ? rounded(part(Number(value))) : 0.5);
  const middle = isWhole ? Math.round((low + high) / 2) : (low + high) / 2;
  const marks = high > low ? [low, ...(isLog ? powers(low, high) : [middle]), high] : [low];
  const texts = [...new Set(marks)].map((value) => ({ at: at(value), text: numberText(value, digitsOf(low, high)) }));
  return { ticks: texts, at };
}

/** Returns the number of digits (at least 3) needed to distinguish numbers that are a hundredth of the range apart. */
function digitsOf(low: number, high: number): number {
  const needed = Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low))) + 2;
  return Number.isFinite(needed) ? Math.min(17, Math.max(3, needed)) : 3;
}

/** Returns at most three powers of ten within a range, excluding its ends. */
function powers(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)) + 1, Math.ceil(Math.log10(high)) - 1];
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(`1e${first + i}`));
  const step = Math.ceil(all.length / 3);
  return all.filter((_, i) => i % step === Math.floor(step / 2));
}
