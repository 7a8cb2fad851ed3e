import type { Random } from '@cryfold/core';
import type { Codes, Columns } from './columns.js';

/** Training data of a tree. */
export interface TreeProblem {
  columns: Columns;
  /**
   * Targets, rows x outputs. Leaves predict their mean. To use Gini's criterion, give each class a column of zeros and
   * ones.
   */
  targets: Float64Array;
  outputs: number;
  /** Weight of each row; rows with weight 0 are excluded */
  weights: Float64Array;
  /** Maximum depth; Infinity: grow until leaves are pure */
  maxDepth: number;
  /** Minimum number of rows in a leaf */
  minLeaf: number;
  /** Number of columns to try for each split */
  maxColumns: number;
  random: Random;
}

/** A binary tree with the values of each node at the same index; the root is node 0. */
export interface Tree {
  /** The column of the split, or -1 in a leaf */
  column: Int32Array;
  /** Rows with at most this value go left */
  threshold: Float64Array;
  left: Int32Array;
  right: Int32Array;
  /** Predictions, nodes x outputs */
  values: Float64Array;
}

/** A part of the ordered rows that is still to be split. */
interface Part {
  node: number;
  start: number;
  end: number;
  depth: number;
}

interface Split {
  column: number;
  /** Rows with this code or a lower one go left */
  code: number;
  threshold: number;
  gain: number;
}

/**
 * Grows a tree depth first, like scikit-learn's CART. Each split is the one with the lowest squared error of the
 * targets, halfway between two values. The columns to try are drawn without replacement until at least one of them is
 * not constant. Source: Breiman, Friedman, Olshen, Stone, "Classification and regression trees" (1984).
 */
export class TreeGrower {
  readonly #problem: TreeProblem;
  /** The included rows, ordered so that the rows of each node are next to each other */
  readonly #rows: Int32Array;
  readonly #sorted: Int32Array;
  readonly #order: Int32Array;
  readonly #nodes: { column: number; threshold: number; left: number; right: number; values: Float64Array }[] = [];
  /** The leaf of each included row, or -1 for other rows */
  readonly leaves: Int32Array;

  constructor(problem: TreeProblem) {
    this.#problem = problem;
    this.#rows = Int32Array.from(Array.from(problem.weights.keys()).filter((row) => problem.weights[row] > 0));
    this.#sorted = new Int32Array(this.#rows.length);
    this.#order = Int32Array.from({ length: problem.columns.count }, (_, j) => j);
    this.leaves = new Int32Array(problem.weights.length).fill(-1);
  }

  grow(): Tree {
    const parts = [this.#node(0, this.#rows.length, 0)];
    for (let part = parts.pop(); part; part = parts.pop()) {
      const split = this.#isLeaf(part) ? undefined : this.#best(part);
      if (!split) {
        for (let i = part.start; i < part.end; i++) this.leaves[this.#rows[i]] = part.node;
        continue;
      }
      const middle = this.#divide(part, split);
      const left = this.#node(part.start, middle, part.depth + 1);
      const right = this.#node(middle, part.end, part.depth + 1);
      const { column, threshold } = split;
      Object.assign(this.#nodes[part.node], { column, threshold, left: left.node, right: right.node });
      parts.push(right, left);
    }
    const nodes = this.#nodes;
    return {
      column: Int32Array.from(nodes, ({ column }) => column),
      threshold: Float64Array.from(nodes, ({ threshold }) => threshold),
      left: Int32Array.from(nodes, ({ left }) => left),
      right: Int32Array.from(nodes, ({ right }) => right),
      values: Float64Array.from(nodes.flatMap(({ values }) => [...values])),
    };
  }

  #node(start: number, end: number, depth: number): Part {
    const { targets, outputs, weights } = this.#problem;
    const values = new Float64Array(outputs);
    let weight = 0;
    for (let i = start; i < end; i++) {
      const row = this.#rows[i];
      weight += weights[row];
      for (let k = 0; k < outputs; k++) values[k] += weights[row] * targets[row * outputs + k];
    }
    for (let k = 0; k < outputs; k++) values[k] /= weight;
    this.#nodes.push({ column: -1, threshold: 0, left: -1, right: -1, values });
    return { node: this.#nodes.length - 1, start, end, depth };
  }

  #isLeaf({ start, end, depth }: Part): boolean {
    const { targets, outputs, maxDepth, minLeaf } = this.#problem;
    if (depth >= maxDepth || end - start < 2 * minLeaf || end - start < 2) return true;
    const first = this.#rows[start] * outputs;
    for (let i = start + 1; i < end; i++) {
      const other = this.#rows[i] * outputs;
      for (let k = 0; k < outputs; k++) if (targets[first + k] !== targets[other + k]) return false;
    }
    return true;
  }

  #best(part: Part): Split | undefined {
    const { columns, maxColumns, random } = this.#problem;
    const order = this.#order;
    let best: Split | undefined;
    let varies = false;
    for (let drawn = 0; drawn < order.length && (drawn < maxColumns || !varies); drawn++) {
      const other = drawn + random.below(order.length - drawn);
      const column = order[other];
      order[other] = order[drawn];
      order[drawn] = column;
      const codes = columns.codes(column);
      if (!this.#sort(part, codes)) continue;
      varies = true;
      best = this.#scan(part, column, codes, best);
    }
    return best;
  }

  /**
   * Sorts the rows of a part into `#sorted` by their codes; rows with equal codes keep their order.
   * @returns false if all codes are equal
   */
  #sort({ start, end }: Part, codes: Codes): boolean {
    const rows = this.#rows;
    const sorted = this.#sorted;
    const count = end - start;
    let [least, most] = [codes[rows[start]], codes[rows[start]]];
    for (let i = start + 1; i < end; i++) {
      const code = codes[rows[i]];
      if (code < least) least = code;
      else if (code > most) most = code;
    }
    if (least === most) return false;
    if (most - least > 4 * count) {
      // If there are few rows but many possible codes, sorts keys that consist of a row's code and its position.
      const keys = new Float64Array(count);
      for (let i = 0; i < count; i++) keys[i] = codes[rows[start + i]] * count + i;
      keys.sort();
      for (let i = 0; i < count; i++) sorted[start + i] = rows[start + (keys[i] % count)];
      return true;
    }
    const at = new Int32Array(most - least + 2);
    for (let i = start; i < end; i++) at[codes[rows[i]] - least + 1]++;
    for (let code = 1; code < at.length; code++) at[code] += at[code - 1];
    for (let i = start; i < end; i++) sorted[start + at[codes[rows[i]] - least]++] = rows[i];
    return true;
  }

  /** Returns the better of `best` and the best split of a column. */
  #scan({ start, end, node }: Part, column: number, codes: Codes, best: Split | undefined): Split | undefined {
    const { targets, outputs, weights, minLeaf, columns } = this.#problem;
    const sorted = this.#sorted;
    const total = this.#nodes[node].values;
    let all = 0;
    for (let i = start; i < end; i++) all += weights[sorted[i]];
    const sums = new Float64Array(outputs);
    let [weight, chosen, gain] = [0, -1, best?.gain ?? Number.NEGATIVE_INFINITY];
    for (let i = start; i < end - minLeaf; i++) {
      const row = sorted[i];
      weight += weights[row];
      for (let k = 0; k < outputs; k++) sums[k] += weights[row] * targets[row * outputs + k];
      if (i + 1 - start < minLeaf || codes[row] === codes[sorted[i + 1]]) continue;
      // The larger the sums of these squares, the smaller the remaining squared error.
      let [left, right] = [0, 0];
      for (let k = 0; k < outputs; k++) {
        left += sums[k] ** 2;
        right += (all * total[k] - sums[k]) ** 2;
      }
      const own = left / weight + right / (all - weight);
      if (own > gain) [gain, chosen] = [own, i];
    }
    if (chosen < 0) return best;
    const [low, high] = [codes[sorted[chosen]], codes[sorted[chosen + 1]]];
    return { column, code: low, threshold: columns.middle(column, low, high), gain };
  }

  /**
   * Moves the rows that go left in front of the rows that go right, keeping the order within both.
   * @returns the position of the first row that goes right
   */
  #divide({ start, end }: Part, { column, code }: Split): number {
    const codes = this.#problem.columns.codes(column);
    const rows = this.#rows;
    let [middle, others] = [start, 0];
    for (let i = start; i < end; i++) {
      const row = rows[i];
      if (codes[row] <= code) rows[middle++] = row;
      else this.#sorted[others++] = row;
    }
    rows.set(this.#sorted.subarray(0, others), middle);
    return middle;
  }
}
