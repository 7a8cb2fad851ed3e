import { decodeRecord, deriveSeed, encodeRecord, Random } from '@cryfold/core';
import { z } from 'zod';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { Columns } from './columns.js';
import { softmaxRows } from './multinomial.js';
import { matrixOf, presentClasses, type Rows, rowsOf, withAllClasses } from './rows.js';
import { type Tree, TreeGrower } from './tree.js';
import { addPredictions, columnsToTry, type MaxFeatures, readTrees, treeFiles } from './trees.js';

export interface GradientBoostingOptions {
  trees: number;
  learningRate: number;
  maxDepth: number;
  minLeaf: number;
  maxFeatures: MaxFeatures;
}

const FORMAT = 1;
const MODEL = 'boosting.json';

const modelSchema = z.strictObject({
  format: z.literal(FORMAT),
  classes: z.int().min(1),
  /** The classes among the training clips */
  present: z.array(z.int().min(0)).min(1),
  /** Scores before the first tree: one per present class; if there are two classes, only the second one has a score */
  start: z.array(z.number()).min(1),
  learningRate: z.number(),
});

type Header = Omit<z.infer<typeof modelSchema>, 'format'>;

interface Boosted extends Header {
  /** Trees round by round, one per score */
  trees: Tree[];
}

/**
 * Gradient boosting. Each round adds a tree per class, which is fitted to the residuals of the class's probabilities
 * and whose leaves take one step of Newton's method. Source: Friedman, "Greedy function approximation: a gradient
 * boosting machine", Annals of Statistics 29 (2001), algorithms 5 and 6, as in scikit-learn. If there are two classes,
 * only the second one has trees.
 */
export class GradientBoostingEngine implements Engine<GradientBoostingOptions> {
  async fit(fold: Fold<GradientBoostingOptions>, { data, onProgress }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed } = fold;
    const features = await data.features();
    const { present, positions } = presentClasses(labels, train);
    const boosting = new Boosting(new Columns(rowsOf(features, train)), positions, present.length, parameters);
    for (let round = 0; round < parameters.trees; round++) {
      boosting.addRound(new Random(deriveSeed(seed, 'round', round)));
      onProgress(round + 1, parameters.trees);
    }
    const { start, trees } = boosting;
    const { learningRate } = parameters;
    const model = { classes: data.classes.length, present, start: [...start], learningRate, trees };
    return {
      probabilities: matrixOf(predictBoosted(model, rowsOf(features, test)), data.classes.length),
      curve: [],
      environment: {},
      model: () => {
        const { trees, ...header } = model;
        return [[MODEL, encodeRecord({ format: FORMAT, ...header })], ...treeFiles(trees, 1)];
      },
    };
  }
}

class Boosting {
  readonly start: Float64Array;
  readonly trees: Tree[] = [];
  readonly #columns: Columns;
  readonly #labels: Int32Array;
  readonly #classes: number;
  readonly #options: GradientBoostingOptions;
  /** rows x scores */
  readonly #scores: Float64Array;

  constructor(columns: Columns, labels: Int32Array, classes: number, options: GradientBoostingOptions) {
    this.#columns = columns;
    this.#labels = labels;
    this.#classes = classes;
    this.#options = options;
    const shares = new Float64Array(classes);
    for (const label of labels) shares[label] += 1 / labels.length;
    this.start = classes === 2 ? Float64Array.of(Math.log(shares[1] / shares[0])) : shares.map(Math.log);
    this.#scores = Float64Array.from({ length: labels.length * this.start.length }, (_, i) => {
      return this.start[i % this.start.length];
    });
  }

  addRound(random: Random): void {
    const own = this.start.length;
    const probabilities = probabilitiesOf(this.#scores, own);
    for (let score = 0; score < own; score++) {
      // All trees of a round are fitted to the probabilities before that round.
      const label = own === 1 ? 1 : score;
      const residuals = Float64Array.from(this.#labels, (one, i) => {
        return Number(one === label) - probabilities[i * this.#classes + label];
      });
      this.#addTree(residuals, score, random);
    }
  }

  #addTree(residuals: Float64Array, score: number, random: Random): void {
    const { maxDepth, minLeaf, maxFeatures, learningRate } = this.#options;
    const grower = new TreeGrower({
      ...{ columns: this.#columns, targets: residuals, outputs: 1, maxDepth, minLeaf, random },
      weights: new Float64Array(residuals.length).fill(1),
      maxColumns: columnsToTry(maxFeatures, this.#columns.count),
    });
    const tree = grower.grow();
    const own = this.start.length;
    const share = own === 1 ? 1 : (own - 1) / own;
    const sums = new Float64Array(tree.column.length);
    const curvatures = new Float64Array(tree.column.length);
    residuals.forEach((residual, row) => {
      const leaf = grower.leaves[row];
      const size = Math.abs(residual);
      sums[leaf] += residual;
      curvatures[leaf] += size * (1 - size);
    });
    tree.values.forEach((_, node) => {
      tree.values[node] = curvatures[node] < 1e-150 ? 0 : (share * sums[node]) / curvatures[node];
    });
    residuals.forEach((_, row) => {
      this.#scores[row * own + score] += learningRate * tree.values[grower.leaves[row]];
    });
    this.trees.push(tree);
  }
}

/**
 * Converts scores to probabilities, rows x classes. If each row has a single score, it belongs to the second of two
 * classes.
 */
function probabilitiesOf(scores: Float64Array, own: number): Float64Array {
  if (own > 1) return softmaxRows(scores, new Float64Array(own));
  const both = Float64Array.from({ length: 2 * scores.length }, (_, i) => (i % 2 === 0 ? 0 : scores[i >> 1]));
  return softmaxRows(both, new Float64Array(2));
}

function predictBoosted({ trees, start, learningRate, present, classes }: Boosted, rows: Rows): Float64Array {
  const own = start.length;
  const scores = Float64Array.from({ length: rows.count * own }, (_, i) => start[i % own]);
  trees.forEach((tree, t) => {
    addPredictions(tree, rows, { data: scores, columns: own, first: t % own, factor: learningRate });
  });
  const known = present.length === 1 ? new Float64Array(rows.count).fill(1) : probabilitiesOf(scores, own);
  return withAllClasses(known, present, classes);
}

/** @throws CryfoldError JOB_INVALID, NPY_INVALID, ARTIFACT_CORRUPT, FORMAT_NEWER */
export function loadGradientBoosting(file: (name: string) => Uint8Array): Predictor {
  const { format: _, ...header } = decodeRecord(modelSchema, file(MODEL), MODEL);
  const model = { ...header, trees: readTrees(file) };
  return {
    predict: async (data, count) => ({
      probabilities: predictBoosted(model, { data, count, columns: data.length / count }),
    }),
  };
}
