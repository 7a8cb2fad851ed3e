import { CryfoldError } from '@cryfold/core';
import type { WarmChild } from './warm-child.js';

/** Lends the warm children of one queue; it has as many as the queue takes jobs at once. */
export class ChildPool {
  readonly #children: readonly WarmChild[];
  readonly #idle: WarmChild[];

  constructor(children: readonly WarmChild[]) {
    this.#children = children;
    this.#idle = [...children];
  }

  get size(): number {
    return this.#children.length;
  }

  /**
   * Lends a child, the one used last first, since it is the warmest.
   * @throws CryfoldError CHILD_DIED where all are lent
   */
  retain(): WarmChild {
    const child = this.#idle.pop();
    if (!child) throw new CryfoldError('CHILD_DIED', 'no training child is free');
    return child;
  }

  release(child: WarmChild): void {
    this.#idle.push(child);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}
