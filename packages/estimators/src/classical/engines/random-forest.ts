import { deriveSeed, Random } from '@cryfold/core';
import type { Engine, EngineContext, Fold, FoldOutcome, Predictor } from '../../engine.js';
import { Columns } from './columns.js';
import { matrixOf, type Rows, rowsOf } from './rows.js';
import { type Tree, TreeGrower } from './tree.js';
import { addPredictions, columnsToTry, type MaxFeatures, readTrees, treeFiles } from './trees.js';

export interface RandomForestOptions {
  trees: number;
  maxDepth?: number;
  minLeaf: number;
  maxFeatures: MaxFeatures;
  bootstrap: boolean;
}

export class RandomForestEngine implements Engine<RandomForestOptions> {
  async fit(fold: Fold<RandomForestOptions>, { data, onProgress }: EngineContext): Promise<FoldOutcome> {
    const { parameters, train, test, labels, seed } = fold;
    const features = await data.features();
    const columns = new Columns(rowsOf(features, train));
    const classes = data.classes.length;
    const targets = new Float64Array(train.length * classes);
    train.forEach((clip, row) => {
      targets[row * classes + labels[clip]] = 1;
    });
    const trees: Tree[] = [];
    for (let t = 0; t < parameters.trees; t++) {
      const random = new Random(deriveSeed(seed, 'tree', t));
      const weights = new Float64Array(train.length).fill(parameters.bootstrap ? 0 : 1);
      if (parameters.bootstrap) for (let i = 0; i < train.length; i++) weights[random.below(train.length)]++;
      const grower = new TreeGrower({
        ...{ columns, targets, outputs: classes, weights, random, minLeaf: parameters.minLeaf },
        maxDepth: parameters.maxDepth ?? Number.POSITIVE_INFINITY,
        maxColumns: columnsToTry(parameters.maxFeatures, columns.count),
      });
      trees.push(grower.grow());
      onProgress(t + 1, parameters.trees);
    }
    return {
      probabilities: matrixOf(predictForest(trees, rowsOf(features, test), classes), classes),
      curve: [],
      environment: {},
      model: () => treeFiles(trees, classes),
    };
  }
}

/** Predicts each row as the mean, over all trees, of the class shares in the row's leaf. */
function predictForest(trees: readonly Tree[], rows: Rows, classes: number): Float64Array {
  const out = { data: new Float64Array(rows.count * classes), columns: classes, first: 0, factor: 1 };
  for (const tree of trees) addPredictions(tree, rows, out);
  for (let start = 0; start < out.data.length; start += classes) {
    const row = out.data.subarray(start, start + classes);
    // Shares are divided by their sum, because rounding may make a sum of tenths exceed 1, whereas probabilities must
    // not.
    const sum = row.reduce((total, share) => total + share, 0);
    row.forEach((share, k) => {
      row[k] = share / sum;
    });
  }
  return out.data;
}

/** @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT */
export function loadRandomForest(file: (name: string) => Uint8Array): Predictor {
  const trees = readTrees(file);
  const classes = trees[0].values.length / trees[0].column.length;
  return {
    predict: async (data, count) => ({
      probabilities: predictForest(trees, { data, count, columns: data.length / count }, classes),
    }),
  };
}
