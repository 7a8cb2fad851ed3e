import { kindOf } from '@cryfold/estimators';
import type { FoldJob, RunPlan } from '@cryfold/plan';

/**
 * Returns the folds of a plan in the order in which to train them: repeat by repeat, so that complete repeats are
 * available early, and within a repeat the folds that are expected to take longest first. A long fold that starts last
 * would keep one worker busy while all others are idle (Graham 1969, "Bounds on multiprocessing timing anomalies").
 * Folds of a sweep keep the order of the plan, since the decisions of a sweep depend on which folds finish first.
 */
export function executionOrder(plan: RunPlan): FoldJob[] {
  if (plan.spec.search) return [...plan.jobs];
  const costs = new Map<string, number>();
  const ranked = plan.jobs.map((job) => {
    const { repeat, outer, train } = plan.splits[job.split];
    const unit = `${job.trial} ${train.length}`;
    const seconds = costs.get(unit) ?? expectedSeconds(plan, job.trial, train.length);
    costs.set(unit, seconds);
    // Inner folds follow all outer folds, as in the plan.
    return { job, round: outer === undefined ? repeat : Number.MAX_SAFE_INTEGER, seconds };
  });
  // The sort is stable, so equal folds keep the order of the plan.
  return ranked.sort((a, b) => a.round - b.round || b.seconds - a.seconds).map(({ job }) => job);
}

/**
 * Returns how long a fold takes on a typical core. Kinds of estimators that were never measured are assumed to take the
 * longest.
 */
function expectedSeconds(plan: RunPlan, trial: string, trainClips: number): number {
  const estimator = plan.spec.estimators[trial];
  const { cost, typicalSeconds } = kindOf(estimator);
  return typicalSeconds === undefined ? Number.MAX_VALUE : cost(estimator, trainClips) * typicalSeconds;
}
