import type { Prerequisite } from '@cryfold/estimators';
import type { RunStore } from '@cryfold/store';
import type { FoldOutput, FoldTask, TaskInputs } from './messages.js';
import type { ChildSettings, TaskOptions, WarmChild } from './warm-child.js';

/** One training child at work on one estimator over one dataset. */
export class Training {
  constructor(
    private readonly child: WarmChild,
    private readonly settings: ChildSettings,
    private readonly inputs: TaskInputs,
  ) {}

  /** The end of what the child wrote to standard error. */
  get childOutput(): string {
    return this.child.recentOutput;
  }

  /** Computes what all folds of the trial read, unless the store has it already. */
  async prepare(store: RunStore, { artifact }: Pick<Prerequisite, 'artifact'>, signal: AbortSignal): Promise<void> {
    if (await store.artifacts.has(artifact)) return;
    await this.child.run(this.settings, { kind: 'prepare', ...this.inputs, artifact }, { signal });
  }

  /** @throws CryfoldError as training does; CHILD_DIED, OUT_OF_MEMORY, CANCELLED */
  async fold(task: Omit<FoldTask, keyof TaskInputs | 'kind'>, options: TaskOptions): Promise<FoldOutput | undefined> {
    return this.child.run(this.settings, { kind: 'fold', ...this.inputs, ...task }, options);
  }
}
