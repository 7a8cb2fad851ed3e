import { CryfoldError, decodeNpy, encodeNpy } from '@cryfold/core';
import type { ModelFiles } from '../../engine.js';
import type { Rows } from './rows.js';
import type { Tree } from './tree.js';

/** Number of columns to try for each split. */
export type MaxFeatures = 'sqrt' | 'log2' | 'all' | number;

/** @param maxFeatures a number is a share of the columns */
export function columnsToTry(maxFeatures: MaxFeatures, columns: number): number {
  if (maxFeatures === 'all') return columns;
  const wanted = { sqrt: Math.sqrt(columns), log2: Math.log2(columns) };
  const count = typeof maxFeatures === 'number' ? maxFeatures * columns : wanted[maxFeatures];
  return Math.max(1, Math.floor(count));
}

/**
 * Adds the predictions of a tree for all rows, multiplied by `factor`, to `out` (rows x outputs), starting at column
 * `first`.
 */
export function addPredictions(
  tree: Tree,
  { count, columns, data }: Rows,
  out: { data: Float64Array; columns: number; first: number; factor: number },
): void {
  const outputs = tree.values.length / tree.column.length;
  for (let i = 0; i < count; i++) {
    let node = 0;
    while (tree.column[node] >= 0) {
      const goesLeft = data[i * columns + tree.column[node]] <= tree.threshold[node];
      node = goesLeft ? tree.left[node] : tree.right[node];
    }
    for (let k = 0; k < outputs; k++) {
      out.data[i * out.columns + out.first + k] += out.factor * tree.values[node * outputs + k];
    }
  }
}

/**
 * Encodes the files of a model: nodes.npy (i4: column, left, right), thresholds.npy and values.npy (f8) of all trees,
 * and trees.npy with the position at which each tree starts.
 */
export function treeFiles(trees: readonly Tree[], outputs: number): ModelFiles {
  const starts: number[] = [];
  let nodes = 0;
  for (const { column } of trees) {
    starts.push(nodes);
    nodes += column.length;
  }
  const links = new Int32Array(3 * nodes);
  const thresholds = new Float64Array(nodes);
  const values = new Float64Array(nodes * outputs);
  trees.forEach((tree, t) => {
    tree.column.forEach((column, node) => {
      links.set([column, tree.left[node], tree.right[node]], 3 * (starts[t] + node));
    });
    thresholds.set(tree.threshold, starts[t]);
    values.set(tree.values, starts[t] * outputs);
  });
  return [
    ['trees.npy', encodeNpy(Int32Array.from(starts), [starts.length])],
    ['nodes.npy', encodeNpy(links, [nodes, 3])],
    ['thresholds.npy', encodeNpy(thresholds, [nodes])],
    ['values.npy', encodeNpy(values, [nodes, outputs])],
  ];
}

/** @throws CryfoldError NPY_INVALID, ARTIFACT_CORRUPT */
export function readTrees(file: (name: string) => Uint8Array): Tree[] {
  const starts = decodeNpy(file('trees.npy'), '<i4', 1, 'trees.npy').data;
  const links = decodeNpy(file('nodes.npy'), '<i4', 2, 'nodes.npy');
  const thresholds = decodeNpy(file('thresholds.npy'), '<f8', 1, 'thresholds.npy').data;
  const values = decodeNpy(file('values.npy'), '<f8', 2, 'values.npy');
  const [nodes, outputs] = values.shape;
  if (links.shape[0] !== nodes || links.shape[1] !== 3 || thresholds.length !== nodes)
    throw corrupt('its size does not match the other arrays');
  return Array.from(starts, (start, t) => {
    const end = t + 1 < starts.length ? starts[t + 1] : nodes;
    const part = (member: number) =>
      Int32Array.from({ length: Math.max(0, end - start) }, (_, i) => links.data[3 * (start + i) + member]);
    const tree = {
      ...{ column: part(0), left: part(1), right: part(2), threshold: thresholds.slice(start, end) },
      values: values.data.slice(start * outputs, end * outputs),
    };
    // Children come after their parents, which guarantees that every walk terminates.
    const sound = tree.column.every((column, node) => {
      const after = (child: number) => child > node && child < end - start;
      return column < 0 || (after(tree.left[node]) && after(tree.right[node]));
    });
    if (start < 0 || end <= start || !sound) throw corrupt(`tree ${t}`);
    return tree;
  });
}

function corrupt(why: string): CryfoldError {
  return new CryfoldError('ARTIFACT_CORRUPT', `nodes.npy is damaged: ${why}`, {
    context: { artifact: 'nodes.npy' },
    hint: 'Train the model again.',
  });
}
