import { counted } from '@cryfold/core';
import type { FinalResult, RunPlan } from '@cryfold/plan';

/** A model that a finished run evaluated, to be refitted on all data. */
export interface NewModel {
  run: string;
  /** Estimator or fusion of the run */
  of: string;
  /** Name of the model */
  name: string;
}

export interface Follower {
  signal: AbortSignal;
  onProgress: (text: string) => void;
}

/** Trains an estimator of a plan on all clips. */
export type TrainMember = (plan: RunPlan, trial: string, follower: Follower) => Promise<FinalResult>;

/** How the estimators of a model are trained on all clips. */
export interface Training {
  train: TrainMember;
  /**
   * Checks the estimators of a model before the first one is trained.
   * @throws CryfoldError if one of them cannot be trained here
   */
  check?: ((plan: RunPlan, trials: readonly string[]) => void) | undefined;
}

/** Returns functions that report the progress of training an estimator on all clips. */
export function trainingProgress(plan: RunPlan, trial: string, onProgress: (text: string) => void) {
  const say = (rest: string) => onProgress(`training ${trial} on all ${counted(plan.dataset.clips, 'clip')}${rest}`);
  const steps = (done: number, total: number) => say(`: ${Math.floor((100 * done) / total)} %`);
  return { say, steps };
}
