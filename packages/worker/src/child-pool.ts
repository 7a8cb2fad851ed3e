import { CryfoldError } from '@cryfold/core';
import type { WarmChild } from './warm-child.js';

/** Pool of the warm children for one queue, with one child per concurrent job. */
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
   * Acquires a child, preferring the one that was used last, since that child is the warmest.
   * @throws CryfoldError CHILD_DIED if all are in use
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
