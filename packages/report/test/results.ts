import { type GroupSource, Random } from '@cryfold/core';
import { evaluateRun, type MetricName, type RunResults, repeatedKFold } from '@cryfold/evaluation';

/** Class names that contain markup. */
export const hostile = ['<script>alert(1)</script>', '"><img src=x onerror=alert(2)> | b', "</td>'<b>`*_[x](http:y)"];

export const classes = ['hungry', 'tired', 'belly pain'];

interface Shape {
  holes?: number[];
  labels?: string[];
  name?: string;
  /** Number of groups into which the 100 clips are divided */
  groups?: number;
  /** Number of folds in each of the two repeats */
  folds?: number;
  metric?: MetricName;
  groupSource?: GroupSource | undefined;
}

/**
 * Returns results of the paper's four models on clips. Three fifths of the clips belong to the first class.
 * @param skill probability that an estimator predicts the true class; otherwise it predicts the first class
 */
export function results(
  skill: Partial<Record<'small-cnn' | 'tl-resnet50' | 'svm', number>> = {},
  {
    holes = [],
    labels = classes,
    name = 'donateacry',
    groups = 10,
    folds = 5,
    metric,
    groupSource = { kind: 'file-name', name: 'infant' },
  }: Shape = {},
): RunResults {
  const random = new Random(5);
  const clips = Array.from({ length: 100 }, (_, i) => ({
    id: `${i}`,
    group: `${i % groups}`,
    label: Math.max(0, (i % 5) - 2),
  }));
  const splits = repeatedKFold(100, { splits: folds, repeats: 2, seed: 0 });
  const kinds = ['small-cnn', 'tl-resnet50', 'svm'] as const;
  const predictions = (kind: (typeof kinds)[number]) =>
    splits.map((split, s) => {
      if (kind === 'svm' && holes.includes(s)) return null;
      const matrix = new Float64Array(split.test.length * labels.length);
      split.test.forEach((clip, row) => {
        const answer = random.uniform() < (skill[kind] ?? 0.9) ? clips[clip].label : 0;
        for (let c = 0; c < labels.length; c++)
          matrix[row * labels.length + c] = c === answer ? 0.8 : 0.2 / (labels.length - 1);
      });
      return matrix;
    });
  const evaluated = evaluateRun({
    ...(metric && { metric }),
    groupSource,
    classes: labels,
    clips,
    splits,
    estimators: Object.fromEntries(kinds.map((kind) => [kind, { kind }])),
    fusion: { combined: { rule: 'mean', members: ['tl-resnet50', 'svm'] } },
    probabilities: new Map(kinds.map((kind) => [kind, predictions(kind)])),
  });
  return {
    format: 2,
    run: { id: 'r', name: 'r' },
    spec: {},
    dataset: { name, contentHash: '', ...evaluated.dataset },
    protocol: { splitter: 'RepeatedKFold', seed: 0, ...evaluated.protocol },
    ...evaluated.results,
    environment: {},
  };
}

/**
 * The same models as if they had been run with the paper's data, protocol and parameters. The network starts from
 * random weights.
 */
export function papersResults(): RunResults {
  const own = results({}, { labels: ['pain', 'asphyxia', 'deaf', 'hunger', 'normal'] });
  const network = { batchSize: 50, learningRate: 1e-4, optimizer: 'adam', precision: 'float32', classWeight: 'none' };
  return {
    ...own,
    protocol: { ...own.protocol, folds: 5, repeats: 10 },
    spec: {
      features: { kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 },
      estimators: {
        'small-cnn': { kind: 'small-cnn', ...network, epochs: 10, filters: [32, 64, 128], dense: [128] },
        'tl-resnet50': {
          ...{ kind: 'tl-resnet50', ...network, epochs: 3, dropout: 0.25, dense: [256, 128, 64] },
          ...{ weights: 'random', backbone: 'full' },
        },
        svm: { kind: 'svm', kernel: 'rbf', C: 1000, gamma: 'scale', strategy: 'one-vs-rest' },
      },
    },
  };
}
