// Measures how optimistic the accuracy of a fitted fusion is when the truth is known. SVMs are trained on images that
// are independent of their labels, and fused by every rule, and by `weighted` and `stacked` with `nested: true`. Folds,
// SVMs and fusions use the same code as real runs. Prints a Markdown table, or JSON with --json.
//
//   tools/simulate-stacking --clips 60,300 --sets 60
//
// --signal S makes the images of each class brighter by S grey levels (with noise of 40) in columns that are specific
// to the class. --splitter selects another splitter. With KFold, the classes are not balanced within folds, so
// estimators perform worse than chance on noise.
import { parseArgs } from 'node:util';
import { deriveSeed, Random } from '@cryfold/core';
import { type Artifacts, type Estimator, kindOf, type TrainingData } from '@cryfold/estimators';
import { type EvaluationInput, evaluateRun, FUSION_RULES, type FusionRule, isFitted } from '@cryfold/evaluation';
import { parseSpec, type Spec } from '@cryfold/plan';
import { allSplits } from '@cryfold/run-control';
import { type Estimate, estimate, markdownTable, percentText } from './estimates.js';
import { wholeOption } from './options.js';

const { values } = parseArgs({
  options: {
    clips: { type: 'string', default: '60,150,300' },
    classes: { type: 'string', default: '2' },
    sets: { type: 'string', default: '40' },
    signal: { type: 'string', default: '0' },
    splitter: { type: 'string', default: 'StratifiedKFold' },
    json: { type: 'boolean', default: false },
  },
});
const SIZES = values.clips.split(',').map((size) => wholeOption('clips', size));
const [CLASSES, SETS] = [wholeOption('classes', values.classes), wholeOption('sets', values.sets)];
const SIGNAL = Number(values.signal);
/** Number of columns of an image: its width times three colours */
const [WIDTH, COLUMNS] = [7, 21];

const FUSIONS = FUSION_RULES.flatMap((rule): [string, FusionRule, boolean][] => [
  [rule, rule, false],
  ...(isFitted(rule) ? [[`${rule}-nested`, rule, true] as [string, FusionRule, boolean]] : []),
]);

const SPEC = parseSpec(
  `
version: 1
name: simulated
protocol: { splitter: ${values.splitter}, folds: 5, repeats: 1 }
estimators:
  rbf: { kind: svm, C: 1 }
  linear: { kind: svm, kernel: linear, C: 1 }
  large: { kind: svm, C: 1000 }
fusion:
${FUSIONS.map(([name, rule, nested]) => `  ${name}: { rule: ${rule}, members: [rbf, linear, large]${nested ? ', nested: true' : ''} }`).join('\n')}
`,
  'simulated.yaml',
);

/**
 * Generates balanced labels in random order, and images that consist of noise. In the columns that are specific to its
 * class, each image is brighter by the signal.
 */
function drawSet(clips: number, set: number): TrainingData {
  const random = new Random(deriveSeed('stacking', clips, set));
  const labels = Int32Array.from({ length: clips }, (_, i) => i % CLASSES);
  random.shuffle(labels);
  const grey = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
  const data = Uint8Array.from({ length: clips * COLUMNS }, (_, i) => {
    const own = (i % COLUMNS) % CLASSES === labels[Math.floor(i / COLUMNS)];
    return grey(128 + 40 * random.normal() + (own ? SIGNAL : 0));
  });
  return {
    classes: Array.from({ length: CLASSES }, (_, c) => `class-${c}`),
    labels,
    groups: Array.from(labels, (_, i) => `${i}`),
    featureKey: `${clips}-${set}`,
    features: async () => ({ shape: [clips, 1, WIDTH, 3], data }),
  };
}

/** An in-memory store for the distances that all folds share. */
function memory(): Artifacts {
  const files = new Map<string, Uint8Array>();
  return {
    get: async (key) => files.get(key),
    open: async (key) => {
      const bytes = files.get(key);
      return (
        bytes && {
          stream: (async function* () {
            yield bytes;
          })(),
        }
      );
    },
    put: async (key, bytes) => {
      files.set(key, bytes);
    },
  };
}

type Predictions = Pick<EvaluationInput, 'splits' | 'probabilities'> & { decisions: Map<string, Float64Array[]> };

/** Returns the predictions of every estimator in the spec for the test clips of each split. */
async function train<S extends EvaluationInput['splits']>(
  data: TrainingData,
  splits: S,
  seed: number,
): Promise<Predictions & { splits: S }> {
  const artifacts = memory();
  const context = { data, artifacts, cacheDirectory: '', onProgress: () => {}, onEpoch: () => {} };
  const [probabilities, decisions] = [new Map<string, Float64Array[]>(), new Map<string, Float64Array[]>()];
  for (const [name, parameters] of Object.entries(SPEC.estimators)) {
    const engine = await kindOf(parameters as Estimator).loadEngine({ threads: 1, xla: false });
    await engine.prepare?.(parameters, '', context);
    const [own, scores]: Float64Array[][] = [[], []];
    for (const { train: rows, test } of splits) {
      const fold = { parameters, train: rows, test, labels: data.labels, seed, grouped: false };
      const more = { prerequisite: undefined, checkpoint: undefined, keepModel: false };
      const outcome = await engine.fit({ ...fold, ...more }, context);
      own.push(outcome.probabilities.data);
      scores.push(outcome.decisions!.data);
    }
    probabilities.set(name, own);
    decisions.set(name, scores);
  }
  return { splits, probabilities, decisions };
}

async function simulate(clips: number, set: number): Promise<Map<string, number>> {
  const data = drawSet(clips, set);
  const spec: Spec = { ...SPEC, seed: set };
  const labelled = Array.from(data.labels, (label, i) => ({ label: data.classes[label], group: data.groups[i] }));
  const splits = allSplits(spec, { classes: [...data.classes], clips: labelled });
  const outer = splits.filter((split) => split.outer === undefined);
  const inside = splits.flatMap((split) => (split.outer === undefined ? [] : [{ ...split, outer: split.outer }]));
  const { results } = evaluateRun({
    ...(await train(data, outer, set)),
    classes: data.classes,
    clips: Array.from(data.labels, (label, i) => ({ id: `${i}`, group: data.groups[i], label })),
    estimators: spec.estimators,
    fusion: spec.fusion,
    inner: await train(data, inside, set),
  });
  if (results.status !== 'complete') throw new Error(JSON.stringify(results.missing[0]));
  return new Map(results.models.map(({ name, accuracy }) => [name, accuracy!.mean]));
}

const rows: { clips: number; accuracy: Record<string, Estimate | null> }[] = [];
for (const clips of SIZES) {
  const sets: Map<string, number>[] = [];
  for (let set = 0; set < SETS; set++) sets.push(await simulate(clips, set));
  const accuracy = [...sets[0].keys()].map((name) => [name, estimate(sets.map((one) => one.get(name)!))]);
  rows.push({ clips, accuracy: Object.fromEntries(accuracy) });
}

if (values.json) {
  const sizes = { classes: CLASSES, sets: SETS, signal: SIGNAL, splitter: values.splitter };
  process.stdout.write(`${JSON.stringify({ ...sizes, chance: 1 / CLASSES, rows }, null, 2)}\n`);
} else {
  const head = ['accuracy', ...rows.map(({ clips }) => `${clips} clips`)];
  const body = Object.keys(rows[0].accuracy).map((name) => [
    name,
    ...rows.map((row) => percentText(row.accuracy[name])),
  ]);
  const chance = SIGNAL === 0 ? [['truth', ...rows.map(() => (100 / CLASSES).toFixed(2))]] : [];
  process.stdout.write(`${markdownTable([head, ...body, ...chance])}\n`);
}
