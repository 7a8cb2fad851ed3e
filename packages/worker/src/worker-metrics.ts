import { hostname } from 'node:os';
import type { EpochPoint } from '@cryfold/core';
import { type Metrics, storeObserver } from '@cryfold/runtime';
import type { ChildObserver } from './warm-child.js';

/** Identifies a fold in metrics and logs. */
export interface FoldPlace {
  run: string;
  trial: string;
  repeat: number;
  fold: number;
}

/** Size of a fold. */
export interface FoldSize {
  queue: string;
  /** Kind of the estimator */
  estimator: string;
  /** Number of training clips */
  clips: number;
  /** Number of epochs; 0 for an estimator without epochs */
  epochs: number;
}

/** Follows one attempt at a fold. */
export interface FoldMetrics {
  /** A child reports its first step immediately, and then only some of its steps. */
  progress(done: number, total: number): void;
  epoch(point: EpochPoint): void;
  committed(seconds: number): void;
  duplicate(): void;
  ended(): void;
}

/** Metrics of a worker's queues, children and folds. */
export class WorkerMetrics {
  readonly #metrics: Metrics;
  readonly #busy = new Map<string, number>();

  constructor(metrics: Metrics, queues: readonly string[], slots: (queue: string) => number) {
    this.#metrics = metrics;
    metrics.set('cryfold_worker_info', { queues: queues.join(','), host: hostname() }, 1);
    for (const queue of queues) {
      metrics.add('cryfold_duplicate_commits_total', { queue }, 0);
      for (const reason of ['died', 'memory'] as const) metrics.add('cryfold_child_starts_total', { queue, reason }, 0);
      metrics.set('cryfold_worker_slots', { queue }, slots(queue));
      metrics.set('cryfold_worker_busy_slots', { queue }, 0);
    }
  }

  busy(queue: string, change: 1 | -1): void {
    const busy = (this.#busy.get(queue) ?? 0) + change;
    this.#busy.set(queue, busy);
    this.#metrics.set('cryfold_worker_busy_slots', { queue }, busy);
  }

  /** Follows one child. The child's store operations are added to those of the worker. */
  child(queue: string, child: number): ChildObserver {
    const metrics = this.#metrics;
    const operation = storeObserver(metrics);
    let cpuSeconds = 0;
    return {
      started(reason) {
        cpuSeconds = 0;
        metrics.add('cryfold_child_starts_total', { queue, reason });
      },
      used(usage) {
        metrics.set('cryfold_child_memory_bytes', { queue, child }, usage.rssBytes);
        metrics.add('cryfold_child_cpu_seconds_total', { queue }, Math.max(0, usage.cpuSeconds - cpuSeconds));
        cpuSeconds = usage.cpuSeconds;
        for (const one of usage.operations) operation?.(one);
      },
      ended: () => metrics.remove('cryfold_child_memory_bytes', { queue, child }),
    };
  }

  /** Follows one attempt at a fold. */
  fold(place: FoldPlace, { queue, estimator, clips, epochs }: FoldSize): FoldMetrics {
    const metrics = this.#metrics;
    let last: number | undefined;
    return {
      progress(done: number, total: number) {
        const steps = done - (last ?? done - 1);
        last = done;
        if (epochs > 0) {
          metrics.add('cryfold_trained_images_total', { estimator }, (steps * clips * epochs) / total);
        }
      },
      epoch({ loss, seconds }: EpochPoint) {
        metrics.observe('cryfold_epoch_duration_seconds', { estimator }, seconds);
        metrics.set('cryfold_training_loss', { ...place }, loss);
      },
      committed(seconds: number) {
        metrics.add('cryfold_folds_committed_total', { queue, estimator });
        metrics.observe('cryfold_fold_duration_seconds', { queue, estimator }, seconds);
      },
      duplicate: () => metrics.add('cryfold_duplicate_commits_total', { queue }),
      ended: () => metrics.remove('cryfold_training_loss', { ...place }),
    };
  }
}
