export interface TreeOptions {
  /** Number of classes; labels range from 0 to `classes` - 1 */
  classes: number;
  /** Maximum number of splits from the root to a leaf */
  maxDepth: number;
  /** Minimum number of rows in a leaf */
  minLeaf: number;
}

/** Either a leaf with its class, or a split: rows whose value is at most the threshold go left. */
export type TreeNode = { label: number } | { column: number; threshold: number; left: TreeNode; right: TreeNode };

/** Returns the indices of all rows, ordered by ascending value. */
export function sortRows(values: Float64Array): Int32Array {
  const rows = Int32Array.from({ length: values.length }, (_, row) => row);
  return rows.sort((a, b) => values[a] - values[b] || a - b);
}

/**
 * Fits a classification tree like scikit-learn's `DecisionTreeClassifier(max_depth, min_samples_leaf,
 * class_weight='balanced')`: Gini impurity, and thresholds halfway between neighbouring values. Among equally good
 * splits, this function chooses the one with the most even sides, so that a column by which many classes can be sorted
 * is split in the middle. scikit-learn instead draws a column at random and uses its lowest threshold. Source: Breiman,
 * Friedman, Olshen, Stone, "Classification and Regression Trees" (1984).
 * @param columns each has one value per row
 * @param orders for each column, the training rows by ascending value; this function reorders them
 */
export function fitTree(
  columns: readonly Float64Array[],
  orders: readonly Int32Array[],
  labels: Int32Array,
  options: TreeOptions,
): TreeNode {
  return new Growth(columns, orders, labels, options).grow(0, orders[0].length, options.maxDepth);
}

/** Returns the predicted class of a row. */
export function predictRow(tree: TreeNode, columns: readonly Float64Array[], row: number): number {
  let node = tree;
  while (!('label' in node)) node = columns[node.column][row] <= node.threshold ? node.left : node.right;
  return node.label;
}

interface Found {
  column: number;
  threshold: number;
  /** Rows on the left side */
  rows: number;
}

/**
 * Grows a tree. The rows of a node form a segment, which is at the same position in every order and contains the same
 * rows there.
 */
class Growth {
  readonly #columns: readonly Float64Array[];
  readonly #orders: readonly Int32Array[];
  readonly #labels: Int32Array;
  readonly #options: TreeOptions;
  readonly #weights: Float64Array;
  readonly #left: Float64Array;
  readonly #goesLeft: Uint8Array;
  readonly #moved: Int32Array;

  constructor(
    columns: readonly Float64Array[],
    orders: readonly Int32Array[],
    labels: Int32Array,
    options: TreeOptions,
  ) {
    this.#columns = columns;
    this.#orders = orders;
    this.#labels = labels;
    this.#options = options;
    const rows = orders[0];
    // Classes have equal weight, no matter how many rows they have.
    this.#weights = new Float64Array(options.classes).fill(1);
    this.#weights = this.#totals(0, rows.length).map((count) => (count > 0 ? 1 / count : 0));
    this.#left = new Float64Array(options.classes);
    this.#goesLeft = new Uint8Array(labels.length);
    this.#moved = new Int32Array(rows.length);
  }

  grow(from: number, to: number, depth: number): TreeNode {
    const totals = this.#totals(from, to);
    let label = 0;
    let present = 0;
    for (let c = 0; c < totals.length; c++) {
      if (totals[c] > totals[label]) label = c;
      if (totals[c] > 0) present++;
    }
    const splits = depth > 0 && present > 1 && to - from >= 2 * this.#options.minLeaf;
    const best = splits ? this.#bestSplit(from, to, totals) : undefined;
    if (!best) return { label };
    this.#partition(from, to, best);
    const { column, threshold } = best;
    const middle = from + best.rows;
    return {
      ...{ column, threshold },
      left: this.grow(from, middle, depth - 1),
      right: this.grow(middle, to, depth - 1),
    };
  }

  /** Returns the weight of each class in a node. */
  #totals(from: number, to: number): Float64Array {
    const [rows] = this.#orders;
    const totals = new Float64Array(this.#options.classes);
    for (let i = from; i < to; i++) {
      const label = this.#labels[rows[i]];
      totals[label] += this.#weights[label];
    }
    return totals;
  }

  /** Returns the split whose two sides are purest. */
  #bestSplit(from: number, to: number, totals: Float64Array): Found | undefined {
    const labels = this.#labels;
    const weights = this.#weights;
    const left = this.#left;
    const { minLeaf } = this.#options;
    let total = 0;
    let allSquares = 0;
    for (let c = 0; c < totals.length; c++) {
      total += totals[c];
      allSquares += totals[c] * totals[c];
    }
    let best: Found | undefined;
    let highest = Number.NEGATIVE_INFINITY;
    let evenest = 0;
    for (let column = 0; column < this.#columns.length; column++) {
      const order = this.#orders[column];
      const values = this.#columns[column];
      if (values[order[from]] === values[order[to - 1]]) continue;
      left.fill(0);
      // Sums of the squared class weights on either side. The larger the sum relative to the total weight, the purer
      // the side.
      let weight = 0;
      let squares = 0;
      let rest = allSquares;
      let value = values[order[from]];
      for (let i = from; i < to - minLeaf; i++) {
        const label = labels[order[i]];
        const own = weights[label];
        const before = left[label];
        squares += own * (2 * before + own);
        rest -= own * (2 * (totals[label] - before) - own);
        left[label] = before + own;
        weight += own;
        const here = value;
        value = values[order[i + 1]];
        if (i + 1 - from < minLeaf || value <= here) continue;
        const purity = squares / weight + rest / (total - weight);
        const even = Math.min(weight, total - weight);
        if (purity < highest - 1e-9 || (purity < highest + 1e-9 && even <= evenest + 1e-9)) continue;
        highest = purity;
        evenest = even;
        const middle = here + (value - here) / 2;
        best = { column, threshold: middle < value ? middle : here, rows: i + 1 - from };
      }
    }
    return best;
  }

  /**
   * In each order, moves the rows of the left side to the front of the segment, without changing the order within
   * either side.
   */
  #partition(from: number, to: number, { column, rows }: Found): void {
    const goesLeft = this.#goesLeft;
    const moved = this.#moved;
    const chosen = this.#orders[column];
    for (let i = from; i < to; i++) goesLeft[chosen[i]] = i < from + rows ? 1 : 0;
    for (const order of this.#orders) {
      if (order === chosen) continue;
      let at = from;
      let right = 0;
      for (let i = from; i < to; i++) {
        const row = order[i];
        if (goesLeft[row] === 1) order[at++] = row;
        else moved[right++] = row;
      }
      order.set(moved.subarray(0, right), at);
    }
  }
}
