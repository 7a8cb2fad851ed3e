import type { FoldJob, Priority } from '@cryfold/plan';
import { MAX_PRIORITY } from '@cryfold/queue';

/** Maximum number of enqueued jobs per run and queue, so that Redis contains only a small part of a large run. */
export const WINDOW = 1000;

/**
 * The amount by which a run's tag advances with each job. A run with high priority therefore gets four jobs for each
 * job of a run with normal priority.
 */
const STRIDES: Record<Priority, number> = { high: 1, normal: 4, low: 16 };

export interface TaggedJob {
  job: FoldJob;
  /** Priority in the queue; jobs with smaller values are taken first */
  priority: number;
}

/** Request to take jobs from a lane. */
export interface LaneRequest {
  /** Smallest priority of all waiting jobs in the queue; undefined if none is waiting */
  front: number | undefined;
  /** Maximum number of jobs to take */
  room: number;
  priority: Priority;
}

/**
 * The jobs of one run for one queue. Jobs get tags by start-time fair queueing (Goyal, Vin and Cheng 1996): the first
 * job gets the tag of the job at the front of the queue, and the tag of each further job is larger by one stride.
 * Workers take the smallest tag, so that runs alternate by weight, no matter how many jobs each has enqueued, and a new
 * run waits for at most one job of every other run.
 */
export class FairLane {
  /** In execution order; the jobs before `#next` have been taken */
  #backlog: readonly FoldJob[] = [];
  #next = 0;
  /** Keys of enqueued jobs that have not ended */
  #enqueued = new Set<string>();
  /** Tag of the next job, unless the front of the queue is already beyond it */
  #tag = 1;

  get enqueued(): number {
    return this.#enqueued.size;
  }

  get waiting(): boolean {
    return this.#next < this.#backlog.length;
  }

  has(key: string): boolean {
    return this.#enqueued.has(key);
  }

  /** Keys of all enqueued jobs. */
  keys(): string[] {
    return [...this.#enqueued];
  }

  /** Applies the result of a reconciliation. */
  reset(backlog: readonly FoldJob[], enqueued: Iterable<string>): void {
    this.#backlog = backlog;
    this.#next = 0;
    this.#enqueued = new Set(enqueued);
  }

  ended(key: string): void {
    this.#enqueued.delete(key);
  }

  /** Takes jobs from the backlog and gives them tags. Returns fewer jobs than there is room for if the tags run out. */
  take({ front, room, priority }: LaneRequest, isWanted: (key: string) => boolean): TaggedJob[] {
    // Tags restart from 1 whenever the queue is empty, so that they do not run out on a busy cluster.
    this.#tag = front === undefined ? 1 : Math.max(this.#tag, front);
    const taken: TaggedJob[] = [];
    while (taken.length < room && this.waiting && this.#tag <= MAX_PRIORITY) {
      const job = this.#backlog[this.#next++];
      if (!isWanted(job.key)) continue;
      taken.push({ job, priority: this.#tag });
      this.#tag += STRIDES[priority];
      this.#enqueued.add(job.key);
    }
    return taken;
  }
}
