import type { Random } from '@cryfold/core';

/** How training compensates for classes of unequal size: by weighting losses, or by sampling classes equally often. */
export type Balance = 'none' | 'weights' | 'batches';

/** Number of training examples per class: [classes]. */
export function classCounts(labels: Int32Array, train: Int32Array, classes: number): Float32Array {
  const counts = new Float32Array(classes);
  for (const index of train) counts[labels[index]]++;
  return counts;
}

/**
 * Returns a factor for the loss of each class, inversely proportional to its size: n / (among * n of the class), or 0
 * for a class without examples.
 * @param among default: the number of classes with examples, as in scikit-learn's `balanced`
 */
export function balancedWeights(counts: Float32Array, among = counts.filter((count) => count > 0).length) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (count === 0 ? 0 : total / (among * count)));
}

/**
 * Returns the order of an epoch with as many draws as there are training examples. It draws equally often from each
 * class that has training examples. If there are k such classes, each block of k consecutive draws contains every class
 * once. An example is repeated only after all examples of its class have been drawn.
 */
export function balancedOrder(labels: Int32Array, train: Int32Array, random: Random): Int32Array {
  const examples = new Map<number, number[]>();
  for (const index of train) {
    const own = examples.get(labels[index]);
    if (own) own.push(index);
    else examples.set(labels[index], [index]);
  }
  const piles = [...examples.values()].map((cards) => ({ cards, next: cards.length }));
  return train.map((_, at) => {
    if (at % piles.length === 0) random.shuffle(piles);
    const pile = piles[at % piles.length];
    if (pile.next === pile.cards.length) {
      random.shuffle(pile.cards);
      pile.next = 0;
    }
    return pile.cards[pile.next++];
  });
}
