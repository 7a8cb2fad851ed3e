/** Disjoint sets of the integers 0 to size - 1. Each set is identified by its smallest member. */
export class Clusters {
  readonly #parents: Int32Array;

  constructor(size: number) {
    this.#parents = Int32Array.from({ length: size }, (_, i) => i);
  }

  /** Returns the smallest member of the set that contains a number. */
  first(of: number): number {
    const parents = this.#parents;
    let at = of;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  }

  join(a: number, b: number): void {
    const [first, second] = [this.first(a), this.first(b)];
    this.#parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** Returns the smallest member of each number's set. */
  firsts(): Int32Array {
    return this.#parents.map((_, i) => this.first(i));
  }
}
