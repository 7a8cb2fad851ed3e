import { type ModelResults, metricOf, type RunResults } from '@cryfold/evaluation';
import { entryOf } from './names.js';

type Values = Readonly<Record<string, unknown>>;

interface PaperModel {
  /** Mean accuracy in percent */
  mean: number;
  /**
   * Parameters that the paper states, with the keys that a spec uses. Other parameters may have any value; see
   * docs/evaluation.md.
   */
  parameters: Values;
  /** For an estimator that is shown with a caveat: how the paper's model differs from it */
  caveat?: string;
}

/** The paper trains with Adam on unmodified images, and mentions class weights as future work. */
const NETWORK = {
  ...{ optimizer: 'adam', classWeight: 'none', balance: 'none', augment: undefined },
  ...{ batchSize: 50, learningRate: 1e-4 },
};

/** Le, Kabir, Ji, Basodi, Pan: Table II and text, by method. */
const MODELS: Readonly<Record<string, PaperModel>> = {
  'small-cnn': { mean: 87.03, parameters: { ...NETWORK, epochs: 10 } },
  'tl-resnet50': {
    mean: 90.8,
    parameters: { ...NETWORK, epochs: 3, dropout: 0.25 },
    caveat: "the paper's network started from ImageNet weights, which cryfold weights fetch downloads",
  },
  svm: {
    mean: 90.1,
    parameters: { kernel: 'rbf', gamma: 'scale', C: 1000, strategy: 'one-vs-rest', classWeight: 'none' },
  },
};
const COMBINED_MAXIMUM = 91.1;

const CLASSES = ['asphyxia', 'deaf', 'hunger', 'normal', 'pain'];
/** Folds over which the paper averages the figures of single models. */
const FOLDS: Values = { splitter: 'RepeatedKFold', folds: 5, repeats: 10 };
/** The kind of split for which the paper reports the maximum accuracy of Combined. */
const SPLIT: Values = { splitter: 'ShuffleSplit', repeats: 1, testSize: 0.2 };
const FEATURES: Values = {
  ...{ kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 },
  ...{ window: 'hann', dynamicRange: 120, maximum: 0, frame: 1024, columns: 800, monochrome: false },
};

export interface PaperFigure {
  percent: number;
  /** Statistic over folds */
  is: 'mean' | 'maximum';
}

/** Whether all values match the paper's. If a key is missing, its default value matches. */
function matches(values: Values, paper: Values): boolean {
  return Object.entries(paper).every(([key, value]) => values[key] === undefined || values[key] === value);
}

/** Whether a run has the paper's classes, in any order. */
function hasPapersClasses({ dataset }: RunResults): boolean {
  return [...dataset.classes].sort().join() === CLASSES.join();
}

function isPapersModel(results: RunResults, { name, method }: ModelResults): boolean {
  const entry = entryOf(results, name);
  if (!entry || !Object.hasOwn(MODELS, method)) return false;
  const { features, featureSets } = results.spec as { features?: Values; featureSets?: Record<string, Values> };
  const read = (typeof entry.features === 'string' && featureSets?.[entry.features]) || features;
  return read !== undefined && matches(read, FEATURES) && matches(entry, MODELS[method].parameters);
}

/**
 * The paper's figure for each model of a run, in the order of the models. A model gets a figure only if the main metric
 * is accuracy and the classes, protocol, features and all parameters that the paper states match. The paper's means are
 * compared only with runs of ten repeats of five folds. The maximum of Combined was observed on the test sets of single
 * splits, so it is compared only with runs of such a split.
 */
export function paperFigures(results: RunResults): (PaperFigure | undefined)[] {
  const { models, protocol } = results;
  const onFolds = matches(protocol, FOLDS);
  const ofPaper = hasPapersClasses(results) && metricOf(results) === 'accuracy';
  if (!ofPaper || !(onFolds || matches(protocol, SPLIT))) return models.map(() => undefined);
  return models.map((model) => {
    if (model.kind === 'estimator') {
      return onFolds && isPapersModel(results, model) ? { percent: MODELS[model.method].mean, is: 'mean' } : undefined;
    }
    const members = models.filter(({ name }) => model.members?.includes(name));
    const methods = members.map(({ method }) => method).sort();
    const own = model.method === 'mean' && methods.join() === 'svm,tl-resnet50';
    return own && !onFolds && members.every((member) => isPapersModel(results, member))
      ? { percent: COMBINED_MAXIMUM, is: 'maximum' }
      : undefined;
  });
}

/**
 * Explains why models of a run cannot be compared with the paper's figures, or why these figures are not shown.
 * @param results with display names
 */
export function paperNotes(results: RunResults): string[] {
  const { models, protocol } = results;
  if (!hasPapersClasses(results)) return [];
  const figures = paperFigures(results);
  if (figures.every((figure) => figure === undefined)) {
    const why =
      metricOf(results) !== 'accuracy'
        ? 'they are accuracies'
        : matches(protocol, FOLDS)
          ? 'the parameters differ from those of the paper'
          : matches(protocol, SPLIT)
            ? 'for this split, the paper only reports the fusion of its TL_ResNet50 and its SVM'
            : `its protocols are ${FOLDS.splitter}, ${FOLDS.repeats} repeats x ${FOLDS.folds} folds, and one ${SPLIT.splitter} of 80:20`;
    return [`The paper's figures are not shown: ${why}.`];
  }
  const shown = models.filter((_, m) => figures[m] !== undefined);
  return shown.flatMap(({ name, method }) => {
    const caveat = name.includes(' ') && MODELS[method]?.caveat;
    const fused = shown.filter(({ members }) => members?.includes(name)).map((fusion) => fusion.name);
    return caveat ? [`${[name, ...fused].join(', ')}: not comparable with the paper: ${caveat}`] : [];
  });
}
