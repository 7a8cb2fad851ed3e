import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, curve, figure, foldGrid, lines, rows, SCALES, stateGrid } from './panels.js';

const MODEL = '{model="$model"}';
const RUN = '{run="$run"}';

/** The dashboard of one run: its progress, the state, accuracy and duration of each fold, and learning curves. */
function run(): Dashboard {
  return board('Run', { label: 'run', of: 'cryfold_run_info' })
    .withPanel(figure('Done', [`max(cryfold_run_fraction_done_ratio${RUN})`, ''], { unit: 'percentunit' }))
    .withPanel(figure('Time left', [`max(cryfold_run_eta_seconds${RUN})`, ''], { unit: 's' }))
    .withPanel(figure('Elapsed', [`time() - max(cryfold_run_started_timestamp_seconds${RUN})`, ''], { unit: 's' }))
    .withPanel(
      figure('Folds done', [`sum(max by (estimator, queue) (cryfold_run_folds{run="$run", state="done"}))`, '']),
    )
    .withPanel(
      figure('Folds failed', [`sum(max by (estimator, queue) (cryfold_run_folds{run="$run", state="failed"}))`, '']),
    )
    .withPanel(
      figure('Silent for', [`max(cryfold_run_silent_seconds${RUN})`, ''], {
        unit: 's',
        help: 'Longest time since a training fold reported progress.',
      }),
    )
    .withPanel(
      lines('Accuracy so far', [[`max by (model) (cryfold_run_accuracy_ratio${RUN})`, '{{model}}']], {
        unit: 'percentunit',
        max: 1,
        help: 'Mean over finished folds; fusions are computed at the end. See the report for the baseline.',
      }),
    )
    .withPanel(
      lines('Folds by state', [
        [`sum by (state) (max by (estimator, queue, state) (cryfold_run_folds${RUN}))`, '{{state}}'],
      ]),
    )
    .withRow(new RowBuilder('Repeat × fold'))
    .withPanel(stateGrid('State', 'cryfold_run_fold_state'))
    .withPanel(foldGrid('Accuracy', 'cryfold_run_fold_accuracy_ratio', { scheme: SCALES.good, unit: 'percentunit' }))
    .withPanel(foldGrid('Duration', 'cryfold_run_fold_duration_seconds', { scheme: SCALES.long, unit: 's' }))
    .withRow(new RowBuilder('Learning'))
    .withPanel(curve('Loss by epoch', 'cryfold_run_epoch_loss', { help: 'Mean over finished folds, in nats.' }))
    .withPanel(curve('Accuracy by epoch', 'cryfold_run_epoch_accuracy_ratio', { unit: 'percentunit' }))
    .withPanel(
      lines('Loss of folds in training', [[`cryfold_training_loss${RUN}`, '{{trial}} {{repeat}}/{{fold}}']], {
        wide: 24,
      }),
    )
    .build();
}

/** The dashboard of the whole cluster: queues, workers and failures. */
function cluster(): Dashboard {
  return board('Cluster')
    .withPanel(figure('Runs', ['sum(cryfold_runs_driven)', '']))
    .withPanel(figure('Workers', ['count(cryfold_worker_info)', '']))
    .withPanel(figure('Busy children', ['sum(cryfold_worker_busy_slots)', '']))
    .withPanel(
      figure('Jobs waiting', ['sum(max by (queue, state) (cryfold_queue_jobs{state=~"waiting|prioritized"}))', '']),
    )
    .withPanel(
      figure('Jobs failed permanently', ['sum(max by (queue) (increase(cryfold_dead_jobs_total[1d])))', ''], {
        help: 'Within one day.',
      }),
    )
    .withPanel(
      figure('Redis memory', ['max(cryfold_redis_memory_bytes) / max(cryfold_redis_memory_limit_bytes)', ''], {
        unit: 'percentunit',
      }),
    )
    .withRow(new RowBuilder('Queues'))
    .withPanel(
      lines('Jobs', [['sum by (queue, state) (max by (queue, state) (cryfold_queue_jobs))', '{{queue}} {{state}}']]),
    )
    .withPanel(
      lines('Oldest waiting job', [['max by (queue) (cryfold_queue_oldest_waiting_seconds)', '{{queue}}']], {
        unit: 's',
      }),
    )
    .withPanel(lines('Queue consumers', [['max by (queue) (cryfold_queue_consumers)', '{{queue}}']]))
    .withPanel(
      lines(
        'Slot utilisation',
        [['sum by (queue) (cryfold_worker_busy_slots) / sum by (queue) (cryfold_worker_slots)', '{{queue}}']],
        {
          unit: 'percentunit',
          max: 1,
        },
      ),
    )
    .withRow(new RowBuilder('Throughput'))
    .withPanel(
      lines('Folds per minute', [
        ['60 * sum by (estimator) (rate(cryfold_folds_committed_total[$__rate_interval]))', '{{estimator}}'],
      ]),
    )
    .withPanel(
      lines('Images per second', [
        ['sum by (estimator) (rate(cryfold_trained_images_total[$__rate_interval]))', '{{estimator}}'],
      ]),
    )
    .withPanel(
      lines(
        'Fold duration',
        [
          [
            'histogram_quantile(0.5, sum by (estimator, le) (rate(cryfold_fold_duration_seconds_bucket[$__rate_interval])))',
            '{{estimator}} median',
          ],
          [
            'histogram_quantile(0.95, sum by (estimator, le) (rate(cryfold_fold_duration_seconds_bucket[$__rate_interval])))',
            '{{estimator}} 95 %',
          ],
        ],
        { unit: 's' },
      ),
    )
    .withPanel(
      lines(
        'Epoch duration',
        [
          [
            'sum by (estimator) (rate(cryfold_epoch_duration_seconds_sum[$__rate_interval])) / sum by (estimator) (rate(cryfold_epoch_duration_seconds_count[$__rate_interval]))',
            '{{estimator}}',
          ],
        ],
        { unit: 's' },
      ),
    )
    .withPanel(
      lines(
        'Aggregation duration',
        [
          [
            'rate(cryfold_aggregation_duration_seconds_sum[$__rate_interval]) / rate(cryfold_aggregation_duration_seconds_count[$__rate_interval])',
            '{{instance}}',
          ],
        ],
        { unit: 's' },
      ),
    )
    .withPanel(
      lines('Runs aggregated', [
        ['sum by (status) (increase(cryfold_aggregations_total[$__rate_interval]))', '{{status}}'],
      ]),
    )
    .withRow(new RowBuilder('Machines'))
    .withPanel(
      lines(
        'Processors in use',
        [
          ['sum by (queue) (rate(cryfold_child_cpu_seconds_total[$__rate_interval]))', 'training {{queue}}'],
          ['sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]))', '{{instance}}'],
        ],
        { help: 'CPU seconds per second; 1 is one core.' },
      ),
    )
    .withPanel(
      lines(
        'Memory',
        [
          ['sum by (instance, queue) (cryfold_child_memory_bytes)', '{{instance}} training {{queue}}'],
          ['process_resident_memory_bytes', '{{instance}}'],
        ],
        { unit: 'bytes' },
      ),
    )
    .withPanel(
      lines('GPU use', [['cryfold_gpu_utilization_ratio', '{{instance}} {{gpu}}']], { unit: 'percentunit', max: 1 }),
    )
    .withPanel(
      lines('GPU memory', [['cryfold_gpu_memory_bytes / cryfold_gpu_memory_limit_bytes', '{{instance}} {{gpu}}']], {
        unit: 'percentunit',
        max: 1,
      }),
    )
    .withPanel(rows('Workers', 'max by (instance, host, queues) (cryfold_worker_info)', ['Value']))
    .withPanel(
      rows(
        'Seconds since Redis responded',
        'time() - max by (instance, check) (cryfold_check_passed_timestamp_seconds{check="redis"})',
        ['check'],
        { unit: 's' },
      ),
    )
    .withRow(new RowBuilder('Failures'))
    .withPanel(
      lines('Failed attempts', [
        [
          'sum by (queue, class, code) (increase(cryfold_attempt_failures_total[$__rate_interval]))',
          '{{queue}} {{class}} {{code}}',
        ],
      ]),
    )
    .withPanel(
      lines('Repeated work', [
        ['sum by (queue) (increase(cryfold_lost_leases_total[$__rate_interval]))', 'lost lease {{queue}}'],
        ['sum by (queue) (increase(cryfold_duplicate_commits_total[$__rate_interval]))', 'duplicate {{queue}}'],
      ]),
    )
    .withPanel(
      lines('Child starts', [
        ['sum by (queue, reason) (increase(cryfold_child_starts_total[$__rate_interval]))', '{{queue}} {{reason}}'],
      ]),
    )
    .withPanel(
      lines('Failed readiness checks', [
        ['min by (instance, check) (cryfold_check_ok)', '{{instance}} {{check}}'],
        ['sum by (instance) (increase(cryfold_redis_reconnects_total[$__rate_interval]))', '{{instance}} reconnects'],
      ]),
    )
    .withRow(new RowBuilder('Store'))
    .withPanel(
      lines('Operations per second', [
        [
          'sum by (operation, outcome) (rate(cryfold_store_operations_total[$__rate_interval]))',
          '{{operation}} {{outcome}}',
        ],
      ]),
    )
    .withPanel(
      lines(
        '95 % of operations take',
        [
          [
            'histogram_quantile(0.95, sum by (operation, le) (rate(cryfold_store_operation_duration_seconds_bucket[$__rate_interval])))',
            '{{operation}}',
          ],
        ],
        { unit: 's' },
      ),
    )
    .withPanel(
      lines(
        'Bytes per second',
        [['sum by (direction) (rate(cryfold_store_bytes_total[$__rate_interval]))', '{{direction}}']],
        { unit: 'Bps', wide: 24 },
      ),
    )
    .build();
}

/** The dashboard of a sweep: its trials, the best trial so far, and the number of folds that pruning saved. */
function sweep(): Dashboard {
  return board('Sweep', { label: 'run', of: 'cryfold_sweep_trials' })
    .withPanel(
      figure('Done', [`max(cryfold_run_fraction_done_ratio${RUN})`, ''], {
        unit: 'percentunit',
        help: 'Share of the folds planned so far; a sweep adds more as it continues.',
      }),
    )
    .withPanel(figure('Trials', [`sum(max by (state) (cryfold_sweep_trials${RUN}))`, '']))
    .withPanel(figure('Pruned', [`max(cryfold_sweep_trials{run="$run", state="pruned"})`, '']))
    .withPanel(
      figure('Best so far', [`max by (metric) (cryfold_sweep_best_score${RUN})`, '{{metric}}'], {
        help: 'The best of many trials is optimistic; nested cross-validation shows by how much.',
      }),
    )
    .withPanel(figure('Folds saved', [`max(cryfold_sweep_folds{run="$run", kind="saved"})`, '']))
    .withPanel(
      figure(
        'Share saved',
        [`max(cryfold_sweep_folds{run="$run", kind="saved"}) / sum(max by (kind) (cryfold_sweep_folds${RUN}))`, ''],
        { unit: 'percentunit' },
      ),
    )
    .withPanel(lines('Best score so far', [[`max by (metric) (cryfold_sweep_best_score${RUN})`, '{{metric}}']]))
    .withPanel(lines('Trials by state', [[`max by (state) (cryfold_sweep_trials${RUN})`, '{{state}}']]))
    .withPanel(lines('Folds of finished trials', [[`max by (kind) (cryfold_sweep_folds${RUN})`, '{{kind}}']]))
    .withPanel(
      lines('Folds by estimator and state', [
        [`max by (estimator, state) (cryfold_run_folds${RUN})`, '{{estimator}} {{state}}'],
      ]),
    )
    .build();
}

/** The dashboard of the models: their current versions, promotions, and the growth of their training data. */
function retraining(): Dashboard {
  return board('Retraining', { label: 'model', of: 'cryfold_model_versions' })
    .withPanel(
      figure('Champion since', [`time() - max(cryfold_model_promoted_timestamp_seconds${MODEL})`, ''], { unit: 's' }),
    )
    .withPanel(figure('Promotions', [`max(cryfold_model_promotions${MODEL})`, '']))
    .withPanel(figure('Versions', [`max(cryfold_model_versions${MODEL})`, '']))
    .withPanel(
      figure('Last retraining', [`time() - max(cryfold_retrain_finished_timestamp_seconds${MODEL})`, ''], {
        unit: 's',
      }),
    )
    .withPanel(
      figure('Champion’s accuracy', [`max(cryfold_model_accuracy_ratio${MODEL})`, ''], { unit: 'percentunit' }),
    )
    .withPanel(figure('Clips', [`max(cryfold_retrain_clips${MODEL})`, '']))
    .withPanel(
      lines('Champion history', [[`max by (version) (cryfold_model_champion_info${MODEL})`, '{{version}}']], {
        help: 'One line per version while it is the champion.',
        max: 1,
      }),
    )
    .withPanel(
      lines('Outcomes of retraining', [[`max by (outcome) (cryfold_retrain_info${MODEL})`, '{{outcome}}']], { max: 1 }),
    )
    .withPanel(
      lines('Data growth', [
        [`max(cryfold_retrain_clips${MODEL})`, 'clips found'],
        [`max(cryfold_model_clips${MODEL})`, 'clips that the champion was trained on'],
      ]),
    )
    .withPanel(
      lines('Accuracy of the champion', [[`max(cryfold_model_accuracy_ratio${MODEL})`, 'in cross-validation']], {
        unit: 'percentunit',
        max: 1,
      }),
    )
    .withPanel(rows('Champions', 'max by (model, version) (cryfold_model_champion_info)', ['Value'], { wide: 24 }))
    .build();
}

/** Dashboards by file name. */
export const BOARDS: Record<string, () => Dashboard> = { run, cluster, sweep, retraining };
