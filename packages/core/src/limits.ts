/**
 * Size limits of a spec and a run. A coordinator serves many runs from one event loop, so a run at these limits is
 * planned, stored and read in steps of about a second each. docs/security.md lists the numbers.
 */
export const LIMITS = {
  /** Bytes of a spec, as YAML or as JSON in a request. */
  specBytes: 128 * 1024,
  estimators: 200,
  fusions: 100,
  folds: 10_000,
  repeats: 10_000,
  /** Trials that a sweep may start for each estimator. */
  trials: 10_000,
  clips: 200_000,
  classes: 1_000,
  /** Characters in a class label. */
  label: 1_000,
  /** Characters in a clip's id, a group or a dataset's name. */
  text: 4_096,
  /** Folds that a run trains, across all estimators, trials and shuffles. */
  jobs: 100_000,
  /** Total number of clips on the training and test sides of all splits. */
  indices: 5_000_000,
  /** Bytes of a stored plan. A plan within the other limits always fits. */
  planBytes: 64 * 2 ** 20,
  /** Steps of StratifiedGroupKFold, which tries every fold for each group and class. */
  groupSteps: 20_000_000,
} as const;
