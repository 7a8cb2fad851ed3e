import { dirname } from 'node:path';
import { CryfoldError, printable } from '@cryfold/core';
import { decodingOnce } from '@cryfold/corpus';
import { isFitted, type MetricName } from '@cryfold/evaluation';
import { type Preparation, publish } from '@cryfold/local-run';
import type { RetrainRecord } from '@cryfold/model-registry';
import { metricNamed, metricOfSpec, type RunPlan, type Spec, withMetric } from '@cryfold/plan';
import { checkRedis } from '@cryfold/queue';
import {
  checkComputable,
  checkKeepable,
  chooseOf,
  HttpClient,
  HttpControl,
  HttpStore,
  Retraining,
  type RetrainingSteps,
} from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { storeFolder } from '@cryfold/store';
import { asTyped } from './command-text.js';
import { dataNotes } from './data-notes.js';
import type { DataOptions } from './data-options.js';
import { execute, type Surroundings } from './execute.js';
import { EXIT } from './exit-codes.js';
import { modelControl } from './model-control.js';
import { openStoreOf } from './open-store.js';
import { prepareChecked, readSpec } from './prepare.js';
import { sayProblems } from './problems.js';
import { ProgressDisplay } from './progress.js';
import { checkStoreFolder } from './run-folder.js';
import { noLongerFollowing } from './server-run.js';
import { untilStopped } from './stop-signals.js';
import { requireStore, storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface RetrainOptions extends DataOptions {
  data: string;
  model: string;
  of?: string;
  /** Maximum acceptable drop in the recall of a class, 0 to 1 */
  margin: number;
  /** Metric by which models are compared and ranked; default: the spec's metric, or accuracy */
  metric?: string;
  workers?: number;
  limit?: number;
  skipBad: boolean;
  /** File that lists all bad recordings */
  problems?: string;
  allowLeak: boolean;
  groupDuplicates: boolean;
  /** Whether to run programs that the champion contains */
  allowCommands?: boolean;
  json: boolean;
}

const EXITS = {
  promoted: EXIT.done,
  unchanged: EXIT.unchanged,
  refused: EXIT.refused,
  lost: EXIT.lost,
  incomplete: EXIT.incomplete,
  cancelled: EXIT.cancelled,
} as const satisfies Record<RetrainRecord['outcome'], number>;

/**
 * `cryfold retrain SPEC --data DIR --model NAME`: evaluates the spec and the champion on the data, and promotes the
 * challenger if it is significantly better; see docs/final-models.md. The exit code reports the outcome. Meant for
 * cron.
 */
export async function retrainCommand(
  specPath: string,
  options: RetrainOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const storeUrl = storeUrlOf(config);
  const { target } = config;
  requireStore(config);
  if (target.kind === 'cluster') await checkRedis(target.redisUrl);
  await checkStoreFolder(storeUrl);
  const read = await readSpec(specPath);
  const metric = chooseMetric(read, options.metric);
  const spec = withMetric(read, metric);
  const of = chooseOf(spec, options.of);
  checkKeepable(spec, of);
  checkComputable(spec, of);
  if (spec.search && !spec.search.nested) {
    throw new CryfoldError(
      'SPEC_INVALID',
      `${specPath}: search.nested: required, because a challenger needs unbiased scores`,
      {
        context: { file: specPath, key: 'search.nested' },
        hint: 'Add nested: {inner: 4} to search. Otherwise, the scores of the winner are too optimistic, because they are computed on the same folds that selected it.',
      },
    );
  }
  checkFusion(spec, of, specPath);
  const store = openStoreOf(storeUrl, config);
  const server = target.kind === 'server' ? new HttpControl(new HttpClient(target)) : undefined;
  // The challenger only runs programs from the user's own spec.
  const models = modelControl(store.artifacts, storeUrl, { ...config, allowCommands: true });
  const work = async (stop: AbortSignal) => {
    // Fails now rather than at the end if the decision cannot be written.
    if (target.kind === 'server') await new HttpStore(new HttpClient(target)).role('operate');
    else await store.check();
    const list = { file: options.problems, folder: storeFolder(storeUrl) };
    const preparation = await prepareChecked({
      ...options,
      spec,
      specFolder: dirname(specPath),
      store,
      config,
      list,
      onProgress: (text) => display.update(text),
    });
    for (const note of dataNotes(preparation.dataset, options)) display.say(`note: ${printable(note)}`);
    const surroundings = { options, config, environment, display, store, storeUrl, server, stop };
    const { model, margin } = options;
    const { plan, manifest, dataset, sounds } = preparation;
    await sayProblems(dataset, list, display);
    const loading = { allowCommands: options.allowCommands, maxMemoryMb: config.childMemoryMb };
    const challenge = { model, of, margin, metric, plan, manifest, dataset, sounds, loading };
    const report = await new Retraining(challenge, store, models, stepsOf(preparation, surroundings)).run();
    display.clear();
    const { outcome, code, reason, champion } = report;
    const verdict = code === null ? outcome : `${outcome} (${code})`;
    say(
      options.json
        ? `${jsonText(report)}\n`
        : `${verdict}: ${asTyped(reason)}\n${model}: ${champion ? `the champion is ${champion}` : 'there is no champion'}\n`,
    );
    // Saved last: if this fails, the outcome has already been printed.
    if (outcome !== 'cancelled') await models.keepRetrain(report);
    return EXITS[outcome];
  };
  try {
    return await decodingOnce(() => untilStopped(work, config));
  } finally {
    display.clear();
    await store.close();
  }
}

/**
 * Returns the metric by which the models are compared. The winner of a sweep must be compared by the metric that
 * selected it.
 * @throws CryfoldError USAGE
 */
function chooseMetric(spec: Spec, name: string | undefined): MetricName {
  if (name === undefined) return metricOfSpec(spec);
  const { search } = spec;
  const metric = metricNamed(name);
  if (!search || search.metric === metric) return metric;
  throw new CryfoldError('USAGE', `--metric ${metric}: the search in the spec selects its winner by ${search.metric}`, {
    hint: 'Set search.metric to the same value, or omit --metric.',
  });
}

/** Publishes and follows runs in the same way as `cryfold run`. */
function stepsOf(preparation: Preparation, surroundings: Surroundings): RetrainingSteps {
  const { store, display, server, stop } = surroundings;
  const submitting = (plan: RunPlan, standIn: Parameters<RetrainingSteps['evaluate']>[1]) =>
    server &&
    (() =>
      standIn
        ? server.submitChampion(standIn.name, standIn.version, preparation.plan.run)
        : server.submit(plan.spec, plan.dataset.key));
  return {
    evaluate: async (plan, standIn) => {
      const stored = await store.runs.results(plan.run);
      if (stored?.status === 'complete') return stored;
      const onProgress = (text: string) => display.update(text);
      await publish(store, { ...preparation, plan }, onProgress, submitting(plan, standIn));
      return execute(plan, surroundings);
    },
    left: (run) => (server ? noLongerFollowing(run) : 'stopped; run the same command again to continue'),
    say: (text) => display.say(text),
    onProgress: (text) => display.update(text),
    stop,
  };
}

/**
 * Refuses a fitted fusion that is not nested. The out-of-fold predictions of such a fusion are too optimistic, because
 * its members were trained on the clips on which it is tested.
 */
function checkFusion({ fusion }: Spec, of: string, specPath: string): void {
  const rule = Object.hasOwn(fusion, of) ? fusion[of] : undefined;
  if (!rule || rule.nested || !isFitted(rule.rule)) return;
  const key = `fusion.${of}.nested`;
  throw new CryfoldError('SPEC_INVALID', `${specPath}: ${key}: required, because a challenger needs unbiased scores`, {
    context: { file: specPath, key },
    hint: `Add nested: true to fusion.${of}. Otherwise, the scores of ${rule.rule} fusion are too optimistic, because they are computed on the same folds as its members.`,
  });
}
