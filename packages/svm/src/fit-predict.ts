import { fitSvm, predictFit, type TrainingProblem } from './fit.js';

/** One fold: the rows of the corpus to train on, the rows to predict, and the parameters. */
export interface SvmProblem extends TrainingProblem {
  test: Int32Array;
}

/** A class without training rows cannot be learned, so its probability is 0 and its decision is -Infinity. */
export interface SvmResult {
  /** test x classes, rows sum to 1 */
  probabilities: Float64Array;
  /**
   * test x classes; the argmax is scikit-learn's prediction. One-vs-rest: the decision value of each machine.
   * One-vs-one: votes and a tie-break, like scikit-learn's decision_function_shape='ovr' (and break_ties=True).
   */
  decisions: Float64Array;
  /** The value of gamma that was used, for pixels scaled to [0, 1] */
  gamma: number;
  /**
   * Number of support vectors of each machine. There is one machine per class among the training rows, or one per pair
   * of these classes (0-1, 0-2, 1-2, ...)
   */
  supportVectors: number[];
  iterations: number[];
  /** Dual objective, per machine */
  objective: number[];
}

/**
 * Trains an SVM on one fold and predicts its test rows. Equal inputs produce equal bytes.
 * @throws CryfoldError SVM_ONE_CLASS, SVM_NOT_FINITE, SVM_NOT_CONVERGED, SPEC_INVALID
 */
export function fitPredictSvm(problem: SvmProblem): SvmResult {
  const fit = fitSvm(problem);
  return {
    ...predictFit(fit, problem, problem.test),
    gamma: fit.kernel.gamma,
    supportVectors: fit.weights.map((weights) => weights.reduce((count, w) => count + (w === 0 ? 0 : 1), 0)),
    iterations: fit.iterations,
    objective: fit.objective,
  };
}
