/**
 * Size limits of a spec and a run. A coordinator serves many runs from one event loop, so even a run at these limits
 * must be planned, stored and read in steps that take about a second each. docs/security.md lists the limits.
 */
export const LIMITS = {
  /** Maximum size of a spec in bytes, as YAML or as JSON in a request. */
  specBytes: 128 * 1024,
  estimators: 200,
  fusions: 100,
  folds: 10_000,
  repeats: 10_000,
  /** Maximum number of trials that a sweep may start for each estimator. */
  trials: 10_000,
  clips: 200_000,
  classes: 1_000,
  /** Maximum number of characters in a class label. */
  label: 1_000,
  /** Maximum number of characters in a clip's id, a group or a dataset's name. */
  text: 4_096,
  /** Maximum number of folds that a run trains, across all estimators, trials and shuffles. */
  jobs: 100_000,
  /** Maximum total number of clips on the training and test sides of all splits. */
  indices: 5_000_000,
  /** Maximum size of a stored plan in bytes. A plan within the other limits always fits. */
  planBytes: 64 * 2 ** 20,
  /** Maximum number of steps of StratifiedGroupKFold, which tries every fold for each group and class. */
  groupSteps: 20_000_000,
} as const;
