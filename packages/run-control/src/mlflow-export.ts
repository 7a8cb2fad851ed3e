import { groupsText, labelOf, type ModelResults, metricOf, type RunResults } from '@cryfold/evaluation';
import { evaluationText, type ModelCard, ModelRegistry, modelKeys } from '@cryfold/model-registry';
import type { Spec } from '@cryfold/plan';
import { warningsOf } from '@cryfold/report';
import { type ArtifactStore, type RunStore, readArtifact } from '@cryfold/store';
import {
  experimentFiles,
  experimentId,
  type MlflowRun,
  modelFiles,
  runFiles,
  runId,
  safeName,
} from './mlflow-files.js';

/**
 * Writes files; the map's keys are paths within the tracking folder, and its values are the contents. A path that ends
 * in `/` is an empty folder.
 */
export type WriteFiles = (files: ReadonlyMap<string, string | Uint8Array>) => Promise<void>;

/** The files of a finished run: an MLflow run, with nested runs for its models and trials. */
export async function filesOfRun({ runs }: RunStore, root: string, id: string) {
  const { results, bytes } = await runs.resultsFile(id);
  const end = (await runs.endedAt(id))?.getTime() ?? 0;
  const start = (await runs.planInfo(id))?.modified.getTime() ?? end;
  const experiment = results.run.name;
  const parent = runId(experiment, id);
  const files = new Map<string, string | Uint8Array>(experimentFiles(root, experiment, start));
  const add = (run: MlflowRun) => {
    for (const [path, content] of runFiles(root, experiment, run)) files.set(path, content);
  };
  const status = results.status === 'complete' ? ('finished' as const) : ('failed' as const);
  const times = { start, end, status };
  add({ key: id, name: id, ...times, ...describeRun(results) });
  for (const model of results.models) {
    const tags = { 'mlflow.parentRunId': parent, 'cryfold.run': id };
    add({ key: `${id}/${model.name}`, name: model.name, ...times, ...describeModel(results, model, tags) });
  }
  for (const trial of results.search?.trials ?? []) {
    add({ key: `${id}/trial/${trial.trial}`, start, end, ...describeTrial(results, trial, parent) });
  }
  files.set(`${experimentId(experiment)}/${parent}/artifacts/results.json`, bytes);
  return files;
}

function describeRun(results: RunResults) {
  const { run, dataset, protocol, status, baselines, spec, leaks } = results;
  return {
    params: {
      'data.name': dataset.name,
      'data.clips': dataset.clips,
      'data.groups': dataset.groups,
      'data.groupsAre': groupsText(dataset),
      'protocol.splitter': protocol.splitter,
      'protocol.folds': protocol.folds,
      'protocol.repeats': protocol.repeats,
      seed: protocol.seed,
      ...prefixed('features', (spec.features ?? {}) as object),
    },
    tags: {
      'cryfold.run': run.id,
      'cryfold.status': status,
      'cryfold.data': dataset.contentHash,
      'cryfold.metric': METRICS[metricOf(results)],
      'mlflow.note.content': noteOf(labelOf(results), warningsOf(results)),
    },
    metrics: {
      majority_share: baselines.majority.share,
      ...(leaks && { 'leaks.sounds': leaks.sounds, 'leaks.groups': leaks.groups }),
    },
  };
}

/** MLflow renders notes as Markdown, so each sentence becomes a paragraph. */
function noteOf(label: string, warnings: readonly string[]): string {
  return [...warnings, label].join('\n\n');
}

function prefixed(prefix: string, members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [`${prefix}.${name}`, value]));
}

const METRICS = {
  accuracy: 'accuracy',
  balancedAccuracy: 'balanced_accuracy',
  macroF1: 'macro_f1',
  logLoss: 'log_loss',
};

/**
 * The mean over folds is logged under the name of the metric, and the individual folds as steps of `fold.<metric>`.
 * Figures pooled over all test predictions, which differ from the means, are logged as `pooled.<metric>` with their
 * interval, `pooled.recall.<class>` and so on.
 */
function describeModel(results: RunResults, model: ModelResults, tags: Record<string, string>) {
  const { spec, protocol } = results;
  const { estimators, fusion } = spec as Pick<Spec, 'estimators' | 'fusion'>;
  const metrics: MlflowRun['metrics'] = {};
  for (const [key, name] of Object.entries(METRICS) as [keyof typeof METRICS, string][]) {
    const summary = model[key];
    if (!summary) continue;
    metrics[name] = summary.mean;
    if (summary.standardDeviation !== null) metrics[`${name}.sd`] = summary.standardDeviation;
    metrics[`${name}.min`] = summary.minimum;
    metrics[`${name}.max`] = summary.maximum;
    metrics[`fold.${name}`] = model.folds.map((fold) => ({
      step: fold.repeat * protocol.folds + fold.fold,
      value: fold[key],
    }));
  }
  Object.assign(metrics, pooledMetrics(model));
  return {
    params: {
      'model.kind': model.kind,
      'model.method': model.method,
      ...(model.kind === 'estimator' ? estimators : fusion)[model.name],
    },
    tags: {
      ...tags,
      'cryfold.complete': String(model.complete),
      'cryfold.metric': METRICS[metricOf(results)],
      'mlflow.note.content': noteOf(labelOf(results), warningsOf(results, model.name)),
    },
    metrics,
  };
}

function pooledMetrics({ pooled }: ModelResults): Record<string, number> {
  if (!pooled) return {};
  const metrics: Record<string, number> = {};
  for (const [key, name] of Object.entries(METRICS) as [keyof typeof METRICS, string][]) {
    metrics[`pooled.${name}`] = pooled[key];
    const interval = key === 'logLoss' ? undefined : pooled.intervals?.[key];
    if (interval) {
      metrics[`pooled.${name}.low95`] = interval.low;
      metrics[`pooled.${name}.high95`] = interval.high;
    }
  }
  for (const { label, recall, precision } of pooled.perClass) {
    if (recall !== null) metrics[`pooled.recall.${label}`] = recall;
    if (precision !== null) metrics[`pooled.precision.${label}`] = precision;
  }
  return metrics;
}

type Trial = NonNullable<RunResults['search']>['trials'][number];

const TRIAL_STATUS: Readonly<Record<string, MlflowRun['status']>> = { COMPLETE: 'finished', PRUNED: 'killed' };

/** A trial of a sweep: its parameters, and its metric over the folds on which it was trained. */
function describeTrial({ run, search }: RunResults, trial: Trial, parent: string) {
  const metric = METRICS[search!.metric];
  const figures = {
    [metric]: trial.mean,
    [`${metric}.sd`]: trial.standardDeviation,
    [`${metric}.low95`]: trial.low,
    [`${metric}.high95`]: trial.high,
    folds: trial.folds,
    epochs: trial.epochs?.trained ?? null,
  };
  return {
    name: trial.trial,
    status: TRIAL_STATUS[trial.state] ?? ('failed' as const),
    params: { ...trial.parameters, 'search.base': trial.base },
    tags: {
      'mlflow.parentRunId': parent,
      'cryfold.run': run.id,
      'cryfold.trial': trial.trial,
      'cryfold.state': trial.state,
      'mlflow.note.content': trial.reason,
    },
    metrics: Object.fromEntries(
      Object.entries(figures).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    ),
  };
}

/** Describes a model card as text: its notice, its headline figure, and any warnings about that figure. */
function describeCard(card: ModelCard): string {
  const { notice, metrics } = card;
  const text = evaluationText(card) ?? '';
  const others = (metrics[0]?.warnings ?? []).filter((warning) => !text.includes(warning));
  return [notice, text, ...others].filter(Boolean).join('\n\n');
}

/**
 * Exports all versions of all models. The files of each version are stored with the run that evaluated the model, and
 * an alias marks the champion.
 */
export async function exportModels(store: ArtifactStore, root: string, write: WriteFiles): Promise<number> {
  const registry = new ModelRegistry(store);
  let count = 0;
  for (const name of await registry.names()) {
    const { cards, damaged, ...found } = await registry.scan(name);
    // Versions are numbered in the export, so leaving one out would renumber the others.
    if (damaged.length > 0) throw damaged[0];
    const champion = found.champion?.version;
    const versions = [];
    for (const [i, card] of cards.entries()) {
      const experiment = (card.spec as { name?: string }).name ?? name;
      const id = runId(experiment, `${card.run}/${card.of}`);
      const folder = `${experimentId(experiment)}/${id}/artifacts/final-${card.version}`;
      const key = modelKeys.card(name, card.version);
      await write(new Map([[`${folder}/card.json`, await readArtifact(store, key)]]));
      for (const { path, sha256 } of card.files) {
        const bytes = await readArtifact(store, modelKeys.file(name, card.version, path), sha256);
        await write(new Map([[`${folder}/${path}`, bytes]]));
      }
      versions.push({
        version: i + 1,
        created: Date.parse(card.created),
        runId: id,
        source: `${root}/${folder}`,
        description: describeCard(card),
        tags: { 'cryfold.version': card.version, 'cryfold.data': card.data.contentHash },
      });
    }
    const at = cards.findIndex(({ version }) => version === champion);
    await write(modelFiles(safeName(name), versions, at < 0 ? {} : { champion: at + 1 }));
    count += cards.length;
  }
  return count;
}
