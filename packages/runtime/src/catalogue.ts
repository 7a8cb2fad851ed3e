/** What prom-client makes of a metric. */
type Kind = 'counter' | 'gauge' | 'histogram';
type Role = 'coordinator' | 'worker' | 'aggregator' | 'serve';

export interface Definition {
  readonly kind: Kind;
  /** The services that export it */
  readonly by: readonly Role[];
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in its unit */
  readonly buckets?: readonly number[];
}

const ALL = ['coordinator', 'worker', 'aggregator'] as const;

/**
 * Every metric of cryfold's own, in the order of docs/metrics.md, which is made of this list (scripts/metrics-doc.mjs).
 * Units are in the names: seconds, bytes, ratios in [0, 1]; `_total` counts since the process began.
 */
export const CATALOGUE = {
  cryfold_service_info: {
    kind: 'gauge',
    by: ALL,
    labels: ['role', 'version', 'node'],
    help: 'Always 1; says what runs here.',
  },
  cryfold_check_ok: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'Whether what the service needs was there at the last look (1) or not (0): what /readyz answers.',
  },
  cryfold_check_passed_timestamp_seconds: {
    kind: 'gauge',
    by: ALL,
    labels: ['check'],
    help: 'When a check passed last. For check="redis" this is the process’s heartbeat.',
  },
  cryfold_store_operations_total: {
    kind: 'counter',
    by: ALL,
    labels: ['operation', 'outcome'],
    help: 'Calls of the artifact store that ended, by outcome (ok, error). Those that a driver tries again count once.',
  },
  cryfold_store_operation_duration_seconds: {
    kind: 'histogram',
    by: ALL,
    labels: ['operation'],
    help: 'How long calls of the artifact store took, with their retries.',
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30],
  },
  cryfold_store_bytes_total: {
    kind: 'counter',
    by: ALL,
    labels: ['direction'],
    help: 'Bytes read from and written to the artifact store.',
  },
  cryfold_redis_reconnects_total: {
    kind: 'counter',
    by: ALL,
    labels: [],
    help: 'How often a lost connection to Redis was made again.',
  },
  cryfold_attempt_failures_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue', 'class', 'code'],
    help: 'Attempts at jobs that failed, by class: input is never retried, infrastructure waits, crash gets a fresh child.',
  },
  cryfold_lost_leases_total: {
    kind: 'counter',
    by: ALL,
    labels: ['queue'],
    help: 'Jobs whose worker no longer renewed their lock and which were given to another; counted by who found them.',
  },
  cryfold_queue_jobs: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue', 'state'],
    help: 'Jobs in a queue, whatever their run. KEDA scales workers by it. Every coordinator tells the same: take the max.',
  },
  cryfold_dead_jobs_total: {
    kind: 'counter',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Jobs that failed for good, as this coordinator heard: every coordinator hears the same.',
  },
  cryfold_queue_oldest_waiting_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Age of the job that has waited longest; 0 where none waits.',
  },
  cryfold_queue_consumers: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['queue'],
    help: 'Processes that take jobs from a queue, as Redis counts them.',
  },
  cryfold_redis_memory_bytes: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: [],
    help: 'Memory that Redis uses for its data.',
  },
  cryfold_redis_memory_limit_bytes: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: [],
    help: 'Memory that Redis may use: its maxmemory, or else the memory of its machine.',
  },
  cryfold_runs_driven: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: [],
    help: 'Unfinished runs that this coordinator drives.',
  },
  cryfold_run_info: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'name', 'dataset', 'phase'],
    help: 'Always 1. Phase: folds, aggregate, or how the run ended: finished, cancelled, failed.',
  },
  cryfold_run_started_timestamp_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run'],
    help: 'When the run was submitted to Redis.',
  },
  cryfold_run_fraction_done_ratio: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run'],
    help: 'Folds done or failed for good, and the done parts of those that are being trained, by all folds.',
  },
  cryfold_run_eta_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run'],
    help: 'Seconds to the end, by the mean times of the folds done; absent while too little is known.',
  },
  cryfold_run_silent_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run'],
    help: 'Longest time since a fold that is being trained told progress; 0 where none is.',
  },
  cryfold_run_folds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'queue', 'state'],
    help: 'Fold jobs by state: waiting, active, done, failed. A sweep’s trials count as the estimator that they are variants of.',
  },
  cryfold_run_accuracy_ratio: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'model'],
    help: 'Mean accuracy over the folds done so far, of estimators; at the end also of fusions, as in results.json.',
  },
  cryfold_run_fold_state: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'repeat', 'fold'],
    help: '0 waiting, 1 active, 2 done, 3 failed. Only of the newest runs, while these have at most 1,500 folds together.',
  },
  cryfold_run_fold_accuracy_ratio: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'repeat', 'fold'],
    help: 'Accuracy of a fold that is done; of the same runs.',
  },
  cryfold_run_fold_duration_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'repeat', 'fold'],
    help: 'How long the committed attempt of a fold took; of the same runs.',
  },
  cryfold_run_epoch_loss: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'epoch', 'part'],
    help: 'Learning curve: mean loss (nats) over the folds done, by epoch and part (train, test); of the same runs.',
  },
  cryfold_run_epoch_accuracy_ratio: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'estimator', 'epoch', 'part'],
    help: 'Learning curve: mean accuracy over the folds done, by epoch and part; of the same runs.',
  },
  cryfold_sweep_trials: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'state'],
    help: 'Trials of a sweep by state: running, complete, pruned, failed.',
  },
  cryfold_sweep_best_score: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'metric'],
    help: 'Mean score of the best trial so far on the folds it has done, as the spec names it (accuracy, balancedAccuracy, logLoss).',
  },
  cryfold_sweep_folds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['run', 'kind'],
    help: 'Folds that ended trials were judged by (judged), and that ending them early spared (saved).',
  },
  cryfold_model_versions: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'Versions of a model in the store.',
  },
  cryfold_model_champion_info: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model', 'version'],
    help: 'Always 1; says which version is the champion.',
  },
  cryfold_model_promotions: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'How often a version of the model was made champion, rollbacks included.',
  },
  cryfold_model_promoted_timestamp_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'When the champion became it.',
  },
  cryfold_model_accuracy_ratio: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'Mean accuracy of the champion’s configuration in cross-validation, as on its card.',
  },
  cryfold_model_clips: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'Clips that the champion was trained on.',
  },
  cryfold_retrain_clips: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'Clips that the last cryfold retrain found.',
  },
  cryfold_retrain_info: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model', 'outcome'],
    help: 'Always 1; how the last cryfold retrain ended: promoted, unchanged, refused, lost, incomplete.',
  },
  cryfold_retrain_finished_timestamp_seconds: {
    kind: 'gauge',
    by: ['coordinator'],
    labels: ['model'],
    help: 'When the last cryfold retrain came to an outcome.',
  },
  cryfold_worker_info: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['queues', 'host'],
    help: 'Always 1.',
  },
  cryfold_worker_slots: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['queue'],
    help: 'Training children that may work at once.',
  },
  cryfold_worker_busy_slots: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['queue'],
    help: 'Training children at work.',
  },
  cryfold_folds_committed_total: {
    kind: 'counter',
    by: ['worker'],
    labels: ['queue', 'estimator'],
    help: 'Folds whose result this process committed, by kind of estimator.',
  },
  cryfold_duplicate_commits_total: {
    kind: 'counter',
    by: ['worker'],
    labels: ['queue'],
    help: 'Folds that were trained in vain, since another attempt had committed first.',
  },
  cryfold_fold_duration_seconds: {
    kind: 'histogram',
    by: ['worker'],
    labels: ['queue', 'estimator'],
    help: 'Time from start to commit of the folds that this process committed.',
    buckets: [0.1, 0.5, 2, 10, 30, 60, 300, 1200, 3600, 14400],
  },
  cryfold_epoch_duration_seconds: {
    kind: 'histogram',
    by: ['worker'],
    labels: ['estimator'],
    help: 'Time of one epoch over a fold, its test pass included.',
    buckets: [0.1, 0.5, 2, 10, 30, 60, 300, 1200],
  },
  cryfold_trained_images_total: {
    kind: 'counter',
    by: ['worker'],
    labels: ['estimator'],
    help: 'Images that went through a training step: its rate is images per second.',
  },
  cryfold_training_loss: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['run', 'trial', 'repeat', 'fold'],
    help: 'Training loss (nats) of the last epoch of a fold that is being trained; leaves with it.',
  },
  cryfold_child_starts_total: {
    kind: 'counter',
    by: ['worker'],
    labels: ['queue', 'reason'],
    help: 'Training children started: first, or since the one before died, was cancelled, grew (memory), or had other threads.',
  },
  cryfold_child_memory_bytes: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['queue', 'child'],
    help: 'Resident memory of a training child, as it told last.',
  },
  cryfold_child_cpu_seconds_total: {
    kind: 'counter',
    by: ['worker'],
    labels: ['queue'],
    help: 'Processor time of training children; the worker’s own is in process_cpu_seconds_total.',
  },
  cryfold_gpu_utilization_ratio: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['gpu'],
    help: 'Share of the time in which a GPU of this machine computed, as nvidia-smi tells; absent without one.',
  },
  cryfold_gpu_memory_bytes: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['gpu'],
    help: 'Memory of a GPU in use, by whomever.',
  },
  cryfold_gpu_memory_limit_bytes: {
    kind: 'gauge',
    by: ['worker'],
    labels: ['gpu'],
    help: 'Memory of a GPU.',
  },
  cryfold_aggregations_total: {
    kind: 'counter',
    by: ['aggregator'],
    labels: ['status'],
    help: 'Runs put together: complete or incomplete.',
  },
  cryfold_aggregation_duration_seconds: {
    kind: 'histogram',
    by: ['aggregator'],
    labels: [],
    help: 'Time to read a run’s folds, compute its metrics and write its results.',
    buckets: [0.1, 0.5, 2, 10, 60, 300],
  },
  cryfold_serve_model_info: {
    kind: 'gauge',
    by: ['serve'],
    labels: ['model', 'version'],
    help: 'Always 1; says which version of a model answers.',
  },
  cryfold_serve_requests_total: {
    kind: 'counter',
    by: ['serve'],
    labels: ['route', 'status'],
    help: 'Answered requests.',
  },
  cryfold_serve_request_seconds: {
    kind: 'histogram',
    by: ['serve'],
    labels: ['route'],
    help: 'From a request’s arrival to its answer.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  cryfold_serve_predictions_total: {
    kind: 'counter',
    by: ['serve'],
    labels: ['label'],
    help: 'Predicted windows by class. A shift of their shares says that the recordings have changed.',
  },
  cryfold_serve_pending: {
    kind: 'gauge',
    by: ['serve'],
    labels: [],
    help: 'Recordings that wait for their prediction.',
  },
  cryfold_serve_switches_total: {
    kind: 'counter',
    by: ['serve'],
    labels: ['outcome'],
    help: 'Changes of the champion that were followed (done), or not (failed): the version before still answers then.',
  },
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof CATALOGUE;
type OfKind<K extends Kind> = { [N in MetricName]: (typeof CATALOGUE)[N]['kind'] extends K ? N : never }[MetricName];
export type CounterName = OfKind<'counter'>;
export type GaugeName = OfKind<'gauge'>;
export type HistogramName = OfKind<'histogram'>;
export type LabelsOf<N extends MetricName> = Record<(typeof CATALOGUE)[N]['labels'][number], string | number>;
