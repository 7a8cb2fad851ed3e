import { Random } from '@cryfold/core';
import { groupKFold } from '../group-k-fold.js';
import { stratifiedKFold } from '../k-fold.js';
import type { Split } from '../split.js';
import { fitTree, predictRow, sortRows } from './decision-tree.js';

/** Number of folds, which is also the minimum number of recordings that a class needs to be tested. */
export const AUDIT_FOLDS = 5;
/** Minimum number of groups that a class needs to be tested, if groups are known. */
export const AUDIT_GROUPS = 3;
/** Maximum number of recordings to test. If there are more, a sample with at least ten of each class is tested. */
const MOST_RECORDINGS = 600;
const LEAST_DRAWN = 10;
/** Maximum number of classes to test; the classes with the most recordings are chosen. */
const MOST_CLASSES = 60;
const PERMUTATIONS = 199;
/**
 * Permutations stop once this number of them has reached the observed statistic: Besag and Clifford, "Sequential Monte
 * Carlo p-values" (1991).
 */
const ENOUGH = 10;
/** Minimum number of recordings in a leaf of the tree. */
const MIN_LEAF = 3;

/** Recordings as rows. */
export interface PropertyTable {
  /** Class index of each recording */
  labels: Int32Array;
  classes: number;
  /** Group of each recording; undefined if groups are unknown */
  groups: readonly string[] | undefined;
  /** The columns of each property, with one value per recording. Properties that are constant are uninformative */
  properties: ReadonlyMap<string, readonly Float64Array[]>;
}

/** How well a tree predicts the class from some properties. */
export interface Prediction {
  /** Out-of-fold balanced accuracy, 0 to 1; always predicting the same class results in 1 / classes */
  balancedAccuracy: number;
  /**
   * Share of label permutations that reach this balanced accuracy, counting the observed labels as one of the
   * permutations
   */
  pValue: number;
}

export interface Predictability {
  /** Number of tested recordings, number of their classes, and number of their groups if groups are known */
  recordings: number;
  classes: number;
  groups?: number;
  folds: number;
  /** One entry per set of properties, in the requested order. Sets without variation are left out */
  sets: ({ name: string; properties: string[] } & Prediction)[];
  /**
   * For each single property. The p-values are adjusted for the number of properties: each permutation is represented
   * by the maximum over all properties.
   */
  alone: ({ property: string } & Prediction)[];
}

/** Reasons why nothing was tested. */
export const UNTESTABLE = ['too few recordings', 'too few groups', 'no variation'] as const;
export type Untestable = (typeof UNTESTABLE)[number];

/**
 * Tests whether properties of recordings predict their class. Computes the out-of-fold balanced accuracy of a shallow
 * decision tree, with grouped folds if groups are known and stratified ones otherwise, and its permutation p-value. If
 * groups are known, a permutation assigns to each group the labels of another group, repeated or truncated to the
 * group's size. Equal input produces equal output.
 * @param sets names and properties of the sets to test together
 */
export function testPredictability(
  table: PropertyTable,
  sets: readonly { name: string; properties: readonly string[] }[],
): Predictability | Untestable {
  const rows = eligibleRows(table);
  if (typeof rows === 'string') return rows;
  const columns: Float64Array[] = [];
  const places = new Map<string, number[]>();
  for (const [property, all] of table.properties) {
    const varying = all.map((values) => Float64Array.from(rows, (row) => values[row])).filter(varies);
    if (varying.length === 0) continue;
    places.set(
      property,
      varying.map((values) => columns.push(values) - 1),
    );
  }
  if (columns.length === 0) return 'no variation';
  const tested = sets
    .map(({ name, properties }) => ({ name, properties: properties.filter((property) => places.has(property)) }))
    .filter(({ properties }) => properties.length > 0);
  const alone = [...places.keys()];
  const used = [...tested.map(({ properties }) => properties), ...alone.map((property) => [property])].map(
    (properties) => properties.flatMap((property) => places.get(property) ?? []),
  );
  const { labels, classes } = relabel(table.labels, rows);
  const groups = table.groups && rows.map((row) => table.groups![row]);
  const trial = new PropertyTrial({ columns, classes, groups });
  const { observed, pValues } = permute(trial, labels, { used, together: tested.length });
  const of = (i: number): Prediction => ({ balancedAccuracy: observed[i], pValue: pValues[i] });
  return {
    ...{ recordings: rows.length, classes, folds: AUDIT_FOLDS },
    ...(groups ? { groups: new Set(groups).size } : {}),
    sets: tested.map((set, i) => ({ ...set, ...of(i) })),
    alone: alone.map((property, i) => ({ property, ...of(tested.length + i) })),
  };
}

const varies = (values: Float64Array) => values.some((value) => value !== values[0]);

/**
 * Returns the rows of classes with enough recordings and groups. If there are very many rows, returns a reproducible
 * random sample.
 */
function eligibleRows({ labels, classes, groups }: PropertyTable): number[] | Untestable {
  const members = Array.from({ length: classes }, (): number[] => []);
  labels.forEach((label, row) => {
    members[label].push(row);
  });
  const large = members.filter((rows) => rows.length >= AUDIT_FOLDS);
  if (large.length < 2) return 'too few recordings';
  const spread = groups ? large.filter((rows) => new Set(rows.map((row) => groups[row])).size >= AUDIT_GROUPS) : large;
  spread.sort((a, b) => b.length - a.length).splice(MOST_CLASSES);
  const kept = spread.flat();
  if (spread.length < 2 || (groups && new Set(kept.map((row) => groups[row])).size < AUDIT_FOLDS))
    return 'too few groups';
  if (kept.length <= MOST_RECORDINGS) return kept.sort((a, b) => a - b);
  const random = new Random(0);
  const drawn = spread.flatMap((rows) => {
    const quota = Math.max(LEAST_DRAWN, Math.floor((MOST_RECORDINGS * rows.length) / kept.length));
    const shuffled = [...rows];
    random.shuffle(shuffled);
    return (groups ? eachGroupFirst(shuffled, groups) : shuffled).slice(0, quota);
  });
  return drawn.sort((a, b) => a - b);
}

/**
 * Puts one row of each group first, because a sample without the small groups might have too few groups for the folds.
 */
function eachGroupFirst(rows: readonly number[], groups: readonly string[]): number[] {
  const firsts = new Set(new Map([...rows].reverse().map((row) => [groups[row], row])).values());
  return [...rows.filter((row) => firsts.has(row)), ...rows.filter((row) => !firsts.has(row))];
}

/** Returns the labels of the given rows, renumbered so that there are no gaps. */
function relabel(labels: Int32Array, rows: readonly number[]): { labels: Int32Array; classes: number } {
  const present = [...new Set(rows.map((row) => labels[row]))].sort((a, b) => a - b);
  const code = new Map(present.map((label, i) => [label, i]));
  return { labels: Int32Array.from(rows, (row) => code.get(labels[row])!), classes: present.length };
}

/**
 * Computes p-values of observed balanced accuracies. The first `together` sets are compared individually, and all other
 * sets by their maximum.
 */
function permute(
  trial: PropertyTrial,
  labels: Int32Array,
  { used, together }: { used: readonly number[][]; together: number },
): { observed: number[]; pValues: number[] } {
  const score = (given: Int32Array, sets: readonly number[]) => {
    const splits = trial.splits(given);
    return new Map(sets.map((set) => [set, trial.score(given, splits, used[set])]));
  };
  const all = used.map((_, set) => set);
  const first = score(labels, all);
  const observed = all.map((set) => first.get(set)!);
  const reached = new Int32Array(used.length);
  const tries = new Int32Array(used.length);
  const random = new Random(1);
  for (let i = 0; i < PERMUTATIONS; i++) {
    const open = all.filter((set) => reached[set] < ENOUGH);
    if (open.length === 0) break;
    // The maximum over all properties is needed until every property is decided.
    const alone = open.some((set) => set >= together);
    const scores = score(
      trial.permute(labels, random),
      all.filter((set) => (set < together ? reached[set] < ENOUGH : alone)),
    );
    const highest = Math.max(...all.slice(together).map((set) => scores.get(set) ?? 0));
    for (const set of open) {
      tries[set]++;
      if ((set < together ? scores.get(set)! : highest) >= observed[set] - 1e-12) reached[set]++;
    }
  }
  const pValues = all.map((set) =>
    reached[set] < ENOUGH ? (reached[set] + 1) / (tries[set] + 1) : reached[set] / tries[set],
  );
  return { observed, pValues };
}

/** State shared by all permutations. */
class PropertyTrial {
  readonly #columns: readonly Float64Array[];
  readonly #orders: readonly Int32Array[];
  readonly #classes: number;
  readonly #members: number[][] | undefined;
  readonly #grouped: Split[] | undefined;

  constructor({
    columns,
    classes,
    groups,
  }: {
    columns: readonly Float64Array[];
    classes: number;
    groups: readonly string[] | undefined;
  }) {
    this.#columns = columns;
    this.#orders = columns.map(sortRows);
    this.#classes = classes;
    if (!groups) return;
    const members = new Map<string, number[]>();
    for (const [row, group] of groups.entries()) {
      const own = members.get(group);
      if (own) own.push(row);
      else members.set(group, [row]);
    }
    this.#members = [...members.values()];
    this.#grouped = groupKFold(groups, { splits: AUDIT_FOLDS, shuffle: true, seed: 0 });
  }

  splits(labels: Int32Array): Split[] {
    return this.#grouped ?? stratifiedKFold(labels, { splits: AUDIT_FOLDS, shuffle: true, seed: 0 });
  }

  /**
   * Computes the out-of-fold balanced accuracy over the classes that occur in the labels.
   * @param used columns that the tree may use
   */
  score(labels: Int32Array, splits: readonly Split[], used: readonly number[]): number {
    const columns = used.map((column) => this.#columns[column]);
    const classes = this.#classes;
    // Deep enough for each class to have its own leaf.
    const options = { classes, maxDepth: Math.max(3, Math.ceil(Math.log2(classes)) + 1), minLeaf: MIN_LEAF };
    const right = new Float64Array(classes);
    const counts = new Float64Array(classes);
    for (const { train, test } of splits) {
      const inTrain = new Uint8Array(labels.length);
      for (const row of train) inTrain[row] = 1;
      const orders = used.map((column) => rowsIn(this.#orders[column], inTrain, train.length));
      const tree = fitTree(columns, orders, labels, options);
      for (const row of test) {
        counts[labels[row]]++;
        if (predictRow(tree, columns, row) === labels[row]) right[labels[row]]++;
      }
    }
    let [sum, present] = [0, 0];
    for (let c = 0; c < classes; c++) {
      if (counts[c] === 0) continue;
      sum += right[c] / counts[c];
      present++;
    }
    return sum / present;
  }

  /** Returns permuted labels, which are unrelated to the properties. */
  permute(labels: Int32Array, random: Random): Int32Array {
    const permuted = Int32Array.from(labels);
    if (!this.#members) {
      random.shuffle(permuted);
      return permuted;
    }
    const donors = [...this.#members];
    random.shuffle(donors);
    for (const [g, rows] of this.#members.entries()) {
      const donor = donors[g];
      rows.forEach((row, i) => {
        permuted[row] = labels[donor[i % donor.length]];
      });
    }
    return permuted;
  }
}

/** Returns the marked rows, of which there are `count`, in the given order. */
function rowsIn(order: Int32Array, marks: Uint8Array, count: number): Int32Array {
  const rows = new Int32Array(count);
  for (let i = 0, at = 0; i < order.length; i++) if (marks[order[i]] === 1) rows[at++] = order[i];
  return rows;
}
