import { CryfoldError, printable } from '@cryfold/core';
import { compareModels } from './compare.js';
import { crossFitRows, nestedRows } from './cross-fit.js';
import { evaluateModel, score, summaries } from './evaluate-model.js';
import type { EvaluatedClip, EvaluationInput, FoldProbabilities } from './evaluation-input.js';
import { fuse, isFitted } from './fusion.js';
import { protocolLabel } from './group-sentences.js';
import { groupsSpanning } from './leaks.js';
import { METRICS } from './metric.js';
import type { Evaluation, MissingFold, ModelResults, RunResults } from './results.js';
import { shuffledBaselines, shuffledName } from './shuffled.js';
import type { Split } from './split.js';
import type { Predictions } from './tallies.js';

export interface EvaluatedRun {
  /** The parts of results.json that are computed from the input. */
  results: Evaluation;
  dataset: Pick<RunResults['dataset'], 'clips' | 'classes' | 'groups' | 'groupSource' | 'perClass'>;
  protocol: Pick<RunResults['protocol'], 'label' | 'folds' | 'repeats' | 'groupsSpanning'>;
  /** Notes about the folds for readers of the figures, one sentence each. */
  notes: string[];
  /** Probabilities of every model, including fusions, for `outOfFoldCsv`. */
  probabilities: Map<string, FoldProbabilities>;
}

/**
 * The sum of a float32 softmax row differs from 1 by about 1e-6, whereas rows that are not probabilities usually differ
 * by far more.
 */
const ROW_SUM_TOLERANCE = 1e-3;

function checkProbabilities(matrix: Float64Array, split: Split, classes: number, model: string): void {
  const invalid = (why: string) =>
    new CryfoldError('PROBABILITIES_INVALID', `${model}, repeat ${split.repeat}, fold ${split.fold}: ${why}`, {
      context: { model, repeat: split.repeat, fold: split.fold },
      hint: 'Delete the result of this fold and run the command again.',
    });
  if (matrix.length !== split.test.length * classes) {
    throw invalid(`${matrix.length} probabilities for ${split.test.length} test clips x ${classes} classes`);
  }
  for (let row = 0; row < split.test.length; row++) {
    let total = 0;
    for (let c = 0; c < classes; c++) {
      const p = matrix[row * classes + c];
      if (!(p >= 0 && p <= 1)) throw invalid(`row ${row} has ${p}, which is not a probability`);
      total += p;
    }
    if (Math.abs(total - 1) > ROW_SUM_TOLERANCE) throw invalid(`row ${row} sums to ${total}, not 1`);
  }
}

function checkDecisions(matrix: Float64Array | null | undefined, split: Split, classes: number, model: string): void {
  if (matrix?.length === split.test.length * classes && !matrix.some(Number.isNaN)) return;
  const { repeat, fold } = split;
  throw new CryfoldError('PROBABILITIES_INVALID', `${model}, repeat ${repeat}, fold ${fold}: invalid decision values`, {
    context: { model, repeat, fold },
    hint: 'Delete the result of this fold and run the command again.',
  });
}

function countLabels(clips: readonly EvaluatedClip[], indices: Iterable<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const i of indices) counts[clips[i].label]++;
  return counts;
}

/**
 * Evaluates a baseline that always predicts the most frequent class of the training clips, with the shares of the
 * classes as probabilities (`DummyClassifier(strategy='prior')`).
 */
function majorityBaseline({ classes, clips, splits }: EvaluationInput): Evaluation['baselines']['majority'] {
  const all = countLabels(clips, clips.keys(), classes.length);
  const measured = splits.filter(({ test }) => test.length > 0);
  const folds = measured.map(({ repeat, fold, train, test }) => {
    const seen = countLabels(clips, train, classes.length);
    const shares = Float64Array.from(
      { length: test.length * classes.length },
      (_, i) => seen[i % classes.length] / train.length,
    );
    const rows = { labels: Int32Array.from(test, (clip) => clips[clip].label), probabilities: shares, scores: shares };
    const label = classes[seen.indexOf(Math.max(...seen))];
    return { repeat, fold, label, ...score(rows, classes.length).metrics };
  });
  const largest = Math.max(...all);
  return {
    label: classes[all.indexOf(largest)],
    share: largest / clips.length,
    folds,
    ...summaries(folds),
  };
}

function describeData(input: EvaluationInput): Pick<EvaluatedRun, 'dataset' | 'protocol'> {
  const { classes, clips, splits, groupSource, predefined = false } = input;
  const groups = clips.map((clip) => clip.group);
  const groupCount = new Set(groups).size;
  const spanning = new Set(splits.flatMap((split) => groupsSpanning(split, groups)));
  return {
    dataset: {
      clips: clips.length,
      classes: [...classes],
      groups: groupCount,
      ...(groupSource && { groupSource }),
      perClass: classes.map((label, c) => {
        const own = clips.filter((clip) => clip.label === c);
        return { label, clips: own.length, groups: new Set(own.map((clip) => clip.group)).size };
      }),
    },
    protocol: {
      label: protocolLabel({ groupSource, groups: groupCount, clips: clips.length }, spanning.size, predefined),
      folds: new Set(splits.map((split) => split.fold)).size,
      repeats: new Set(splits.map((split) => split.repeat)).size,
      groupsSpanning: spanning.size,
    },
  };
}

/**
 * Describes folds without any test clips, without training clips of some class, or without test clips of a class over
 * which the metric averages.
 */
function foldNotes({ classes, clips, splits, metric = 'accuracy' }: EvaluationInput): string[] {
  const notes: string[] = [];
  const of = (count: number) => `${count} of ${splits.length} folds`;
  const empty = splits.filter(({ test }) => test.length === 0).length;
  if (empty > 0) notes.push(`${of(empty)} have no test clips, so they have no figures.`);
  const seen = splits.map(({ train }) => countLabels(clips, train, classes.length));
  for (const [c, label] of classes.entries()) {
    const without = seen.filter((counts) => counts[c] === 0).length;
    if (without === 0) continue;
    notes.push(
      `Class "${printable(label)}" has no training clips in ${of(without)}, where all its test clips count as wrong.`,
    );
  }
  const partial = splits.filter(({ test }) => countLabels(clips, test, classes.length).includes(0)).length - empty;
  if (partial > 0 && (metric === 'balancedAccuracy' || metric === 'macroF1')) {
    notes.push(
      `${of(partial)} do not test every class. Their ${METRICS[metric].title} is a mean over fewer classes, so folds are not comparable. Trust the pooled figure rather than the mean over folds.`,
    );
  }
  return notes;
}

function missingFold(
  model: string,
  { repeat, fold }: Split,
  failures: NonNullable<EvaluationInput['failures']>,
): MissingFold {
  const failure = failures.find((one) => one.model === model && one.repeat === repeat && one.fold === fold);
  return { model, repeat, fold, code: failure?.code ?? null, reason: failure?.message ?? 'no result was committed' };
}

/** Computes the probabilities of one fusion for each fold. Calls `onMissing` for each fold that cannot be fused. */
function fuseFolds(
  input: EvaluationInput,
  { rule, nested = false }: EvaluationInput['fusion'][string],
  members: readonly { name: string; folds: FoldProbabilities }[],
  onMissing: (split: Split, reason: string) => void,
): FoldProbabilities {
  const { classes, clips, splits } = input;
  const labels = clips.map((clip) => clip.label);
  const about = { labels, classes: classes.length };
  const trainingOf = (s: number) => {
    if (!nested) return crossFitRows({ splits, members: members.map(({ folds }) => folds), ...about }, s);
    const { splits: inside = [], probabilities = new Map<string, FoldProbabilities>() } = input.inner ?? {};
    const parts = members.map(({ name }) => probabilities.get(name) ?? []);
    return nestedRows({ splits: inside, members: parts, ...about }, s, splits[s].train);
  };
  return splits.map((split, s) => {
    const absent = members.filter(({ folds }) => !folds[s]).map(({ name }) => name);
    if (absent.length > 0) {
      onMissing(split, `no fold result of ${absent.join(', ')}`);
      return null;
    }
    const matrices = members.map(({ folds }) => folds[s]!);
    if (!isFitted(rule)) return fuse(rule, matrices, classes.length);
    const training = trainingOf(s);
    if (training) return fuse(rule, matrices, classes.length, training);
    const where = nested ? 'from inside this fold' : `in repeat ${split.repeat}`;
    onMissing(split, `${rule} fusion lacks predictions of this fold's training clips ${where}`);
    return null;
  });
}

/**
 * Returns the predictions of each model.
 * @param probabilities of every model, as returned by `evaluateRun`
 */
export function predictionsOf(
  { decisions }: Pick<EvaluationInput, 'decisions'>,
  probabilities: ReadonlyMap<string, FoldProbabilities>,
): Map<string, Predictions> {
  return new Map(
    Array.from(probabilities, ([name, own]) => [name, { probabilities: own, scores: decisions?.get(name) ?? own }]),
  );
}

/**
 * Computes the figures of results.json from out-of-fold probabilities, including those of fusions. Has no side effects.
 * If a member lacks a fold, so does the fusion. A model that lacks folds is marked `complete: false`, these folds are
 * listed under `missing`, and its figures cover only the folds that it has.
 * @throws CryfoldError PROBABILITIES_INVALID, whose message contains the model, repeat and fold
 * @throws CryfoldError USAGE if a model has no probabilities or a fusion's member is unknown
 */
export function evaluateRun(input: EvaluationInput): EvaluatedRun {
  const { classes, splits, estimators, fusion, failures = [] } = input;
  const probabilities = new Map<string, FoldProbabilities>();
  const models: ModelResults[] = [];
  const missing: MissingFold[] = [];

  for (const [name, { kind }] of Object.entries(estimators)) {
    const own = input.probabilities.get(name);
    if (own?.length !== splits.length) {
      throw new CryfoldError('USAGE', `${name} has probabilities for ${own?.length ?? 0} of ${splits.length} folds`, {
        context: { model: name },
        hint: 'Pass an entry for every fold of every estimator; use null if the fold is missing.',
      });
    }
    for (const [s, split] of splits.entries()) {
      const matrix = own[s];
      if (matrix) {
        checkProbabilities(matrix, split, classes.length, name);
        continue;
      }
      missing.push(missingFold(name, split, failures));
    }
    const decisions = input.decisions?.get(name);
    for (const [s, split] of splits.entries()) {
      if (decisions && own[s]) checkDecisions(decisions[s], split, classes.length, name);
    }
    probabilities.set(name, own);
    models.push(evaluateModel(input, own, { name, kind: 'estimator', method: kind }, decisions));
  }

  for (const [name, how] of Object.entries(fusion)) {
    const { rule, members, nested } = how;
    const parts = members.map((member) => {
      const folds = estimators[member] && probabilities.get(member);
      if (folds) return { name: member, folds };
      throw new CryfoldError('USAGE', `${name} cannot fuse ${member}: no such estimator`, {
        context: { model: name, member },
        hint: `Estimators: ${Object.keys(estimators).join(', ')}.`,
      });
    });
    const fused = fuseFolds(input, how, parts, ({ repeat, fold }, reason) => {
      missing.push({ model: name, repeat, fold, code: null, reason });
    });
    probabilities.set(name, fused);
    const about = { name, kind: 'fusion' as const, method: rule, members: [...members], ...(nested && { nested }) };
    models.push(evaluateModel(input, fused, about));
  }

  const shuffled = shuffledBaselines(input, ({ model, shuffle, split }) => {
    const name = shuffledName(model, shuffle);
    missing.push(missingFold(name, splits[split], failures));
  });
  return {
    results: {
      status: missing.length === 0 ? 'complete' : 'incomplete',
      missing,
      models,
      comparisons: compareModels(input, models, predictionsOf(input, probabilities), input.metric ?? 'accuracy'),
      baselines: {
        majority: majorityBaseline(input),
        ...(shuffled.length > 0 ? { shuffled } : {}),
      },
    },
    ...describeData(input),
    notes: foldNotes(input),
    probabilities,
  };
}
