import type { FoldJob, Priority } from '@cryfold/plan';
import { MAX_PRIORITY } from '@cryfold/queue';

/** Jobs of one run that may wait or train on one queue at once, so that Redis holds little of a large run. */
export const WINDOW = 1000;

/** How far a run's tag advances with each job: a run of high priority gets four jobs for each one of normal priority. */
const STRIDES: Record<Priority, number> = { high: 1, normal: 4, low: 16 };

export interface TaggedJob {
  job: FoldJob;
  /** Of the queue: smaller is sooner */
  priority: number;
}

/** What a lane is asked to take. */
export interface LaneRequest {
  /** The smallest priority of all runs' jobs that wait in the queue; undefined where none waits */
  front: number | undefined;
  /** The most jobs to take */
  room: number;
  priority: Priority;
}

/**
 * The jobs of one run for one queue. Jobs get tags by start-time fair queueing (Goyal, Vin and Cheng 1996): the first
 * one that of the job at the queue's front, each further one a stride more. Workers take the smallest tag, so that runs
 * alternate by their weights however many jobs each has enqueued, and a new run waits for no more than one job of each
 * other run.
 */
export class FairLane {
  /** In the order in which they are to run; those before `#next` have been taken. */
  #backlog: readonly FoldJob[] = [];
  #next = 0;
  /** Keys of jobs that were enqueued and not heard of since */
  #enqueued = new Set<string>();
  /** Tag of the next job, unless the front has passed it */
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

  /** Of the jobs that `has` is true of. */
  keys(): string[] {
    return [...this.#enqueued];
  }

  /** Takes over what a reconciliation found. */
  reset(backlog: readonly FoldJob[], enqueued: Iterable<string>): void {
    this.#backlog = backlog;
    this.#next = 0;
    this.#enqueued = new Set(enqueued);
  }

  ended(key: string): void {
    this.#enqueued.delete(key);
  }

  /** Takes jobs off the backlog, with their tags. Fewer than there is room for where tags run out: then it waits. */
  take({ front, room, priority }: LaneRequest, isWanted: (key: string) => boolean): TaggedJob[] {
    // An empty queue starts from the first tag again, so that tags do not run out on a busy cluster.
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
