import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ArtifactStore, RunStore, readArtifact } from '@cryfold/artifacts';
import { CryfoldError } from '@cryfold/core';
import type { ModelResults, RunResults } from '@cryfold/evaluation';
import { ModelRegistry, modelKeys } from '@cryfold/models';
import type { Spec } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { modelStore } from './find-model.js';
import { noResults, placeOf } from './find-run.js';
import {
  experimentFiles,
  experimentId,
  type MlflowRun,
  modelFiles,
  runFiles,
  runId,
  safeName,
} from './mlflow-files.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';
import { OutFolder } from './write-out.js';

export interface ExportOptions {
  to: string;
  out: string;
  json: boolean;
}

/**
 * `cryfold export mlflow [RUN...]`: finished runs, their models and the registered final models as an MLflow tracking
 * folder. A cryfold run is an MLflow run of the experiment of its spec's name; each of its estimators and fusions is a run
 * nested in it. Exporting again overwrites the same runs.
 */
export async function exportMlflowCommand(runs: string[], options: ExportOptions, config: Config): Promise<number> {
  const store = new RunStore(await modelStore(options.out, config));
  try {
    const target = resolve(options.to);
    const root = pathToFileURL(target).href;
    const folder = new OutFolder(target);
    const write = async (files: ReadonlyMap<string, string | Uint8Array>) => {
      for (const [path, content] of files) {
        await (path.endsWith('/') ? folder.folder(path) : folder.write(path, content));
      }
    };
    const place = placeOf(storeUrlOf(options.out, config), config);
    const hint = `cryfold list shows what is there.${config.server ? '' : ' CRYFOLD_STORE or --out says where to look.'}`;
    const exported = await finishedRuns(store, runs, place, hint);
    if (exported.length === 0) throw new CryfoldError('RUN_NOT_FOUND', `${place} has no run that ended`, { hint });
    // MLflow looks for an experiment 0 and would make one.
    await write(
      new Map([
        [
          '0/meta.yaml',
          [...experimentFiles(root, 'Default', Date.now()).values()][0].replaceAll(experimentId('Default'), '0'),
        ],
      ]),
    );
    for (const id of exported) await write(await filesOfRun(store, root, id));
    const models = runs.length > 0 ? 0 : await exportModels(store.artifacts, root, write);
    const said = { to: target, runs: exported, models };
    say(
      options.json
        ? `${jsonText(said)}\n`
        : `${counted(exported.length, 'run')} and ${counted(models, 'version')} of models in ${target}\n` +
            `Look: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri ${root}\n` +
            `Keep: mlflow migrate-filestore --source ${target} --target sqlite:///mlflow.db\n`,
    );
    return EXIT.done;
  } finally {
    await store.close();
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

async function finishedRuns(
  store: RunStore,
  wanted: readonly string[],
  place: string,
  hint: string,
): Promise<string[]> {
  const found = await store.runs.withResults();
  for (const id of wanted) {
    if (!found.includes(id)) throw await noResults(store, id, `${place} has no run ${id}`, hint);
  }
  return wanted.length > 0 ? [...wanted] : found;
}

async function filesOfRun({ runs }: RunStore, root: string, id: string) {
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

function describeRun({ run, dataset, protocol, status, baselines, spec }: RunResults) {
  return {
    params: {
      'data.name': dataset.name,
      'data.clips': dataset.clips,
      'data.groups': dataset.groups,
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
      'mlflow.note.content': protocol.label,
    },
    metrics: { majority_share: baselines.majority.share },
  };
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

/** The mean over folds bears the metric's name; each fold's value is a step of `fold.<metric>`. */
function describeModel({ spec, protocol }: RunResults, model: ModelResults, tags: Record<string, string>) {
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
    const interval = key === 'logLoss' ? undefined : model.pooled?.intervals?.[key];
    if (interval) Object.assign(metrics, { [`${name}.low95`]: interval.low, [`${name}.high95`]: interval.high });
  }
  for (const { label, recall, precision } of model.pooled?.perClass ?? []) {
    if (recall !== null) metrics[`recall.${label}`] = recall;
    if (precision !== null) metrics[`precision.${label}`] = precision;
  }
  return {
    params: {
      'model.kind': model.kind,
      'model.method': model.method,
      ...(estimators[model.name] ?? fusion[model.name]),
    },
    tags: { ...tags, 'cryfold.complete': String(model.complete) },
    metrics,
  };
}

type Trial = NonNullable<RunResults['search']>['trials'][number];

const TRIAL_STATUS: Readonly<Record<string, MlflowRun['status']>> = { COMPLETE: 'finished', PRUNED: 'killed' };

/** What a sweep tried: its parameters, and its metric over the folds that it was given. */
function describeTrial({ run, search }: RunResults, trial: Trial, parent: string) {
  const metric = METRICS[search!.metric];
  const figures = {
    [metric]: trial.mean,
    [`${metric}.sd`]: trial.standardDeviation,
    [`${metric}.low95`]: trial.low,
    [`${metric}.high95`]: trial.high,
    folds: trial.folds,
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

/** Every version of every model, its files beside the run that it came from, and the champion as an alias. */
async function exportModels(
  store: ArtifactStore,
  root: string,
  write: (files: ReadonlyMap<string, string | Uint8Array>) => Promise<void>,
): Promise<number> {
  const registry = new ModelRegistry(store);
  let count = 0;
  for (const name of await registry.names()) {
    const { cards, damaged, ...found } = await registry.look(name);
    // Versions are numbered in the export: without one of them the others would get wrong numbers.
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
        description: card.notice,
        tags: { 'cryfold.version': card.version, 'cryfold.data': card.data.contentHash },
      });
    }
    const at = cards.findIndex(({ version }) => version === champion);
    await write(modelFiles(safeName(name), versions, at < 0 ? {} : { champion: at + 1 }));
    count += cards.length;
  }
  return count;
}
