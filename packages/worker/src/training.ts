import type { Prerequisite } from '@cryfold/estimators';
import type { RunStore } from '@cryfold/store';
import type { FoldOutput, FoldTask, TaskInputs } from './messages.js';
import type { ChildSettings, TaskOptions, WarmChild } from './warm-child.js';

/** Runs tasks for one estimator and dataset in a training child. */
export class Training {
  constructor(
    private readonly child: WarmChild,
    private readonly settings: ChildSettings,
    private readonly inputs: TaskInputs,
  ) {}

  /** The most recent part of the child's standard error output. */
  get childOutput(): string {
    return this.child.recentOutput;
  }

  /** Computes a prerequisite of all folds of the trial, unless it is already in the store. */
  async prepare(store: RunStore, { artifact }: Pick<Prerequisite, 'artifact'>, signal: AbortSignal): Promise<void> {
    if (await store.artifacts.has(artifact)) return;
    await this.child.run(this.settings, { kind: 'prepare', ...this.inputs, artifact }, { signal });
  }

  /** @throws CryfoldError CHILD_DIED, OUT_OF_MEMORY, CANCELLED; also any error that occurs during training */
  async fold(task: Omit<FoldTask, keyof TaskInputs | 'kind'>, options: TaskOptions): Promise<FoldOutput | undefined> {
    return this.child.run(this.settings, { kind: 'fold', ...this.inputs, ...task }, options);
  }
}
