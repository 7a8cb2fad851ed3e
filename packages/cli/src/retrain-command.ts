import { resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import type { RetrainRecord } from '@cryfold/model-registry';
import { checkRedis } from '@cryfold/queue';
import { chooseOf, HttpClient, HttpControl, HttpStore } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { modelControl } from './model-control.js';
import { openStoreOf } from './open-store.js';
import { prepareRun, readSpec } from './prepare.js';
import { ProgressDisplay } from './progress.js';
import { Retraining } from './retraining.js';
import { weightsSources } from './spec-weights.js';
import { untilStopped } from './stop-signals.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';
import { checkOutFolder } from './write-out.js';

export interface RetrainOptions {
  data: string;
  model: string;
  of?: string;
  /** By how much a class's recall may fall, 0 to 1 */
  margin: number;
  out: string;
  workers?: number;
  limit?: number;
  skipBad: boolean;
  allowLeak: boolean;
  groupDuplicates: boolean;
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
 * `cryfold retrain SPEC --data DIR --model NAME`, for cron: evaluates the spec on the data beside the champion, and
 * promotes what is really better. docs/final-models.md says how. The exit code says what was done.
 */
export async function retrainCommand(
  specPath: string,
  options: RetrainOptions,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const out = resolve(options.out);
  const storeUrl = storeUrlOf(out, config);
  if (config.redisUrl) await checkRedis(config.redisUrl);
  if (config.redisUrl && !config.storeUrl)
    throw new CryfoldError('USAGE', 'REDIS_URL is set, but CRYFOLD_STORE is not');
  await checkOutFolder(out);
  const spec = await readSpec(specPath);
  const of = chooseOf(spec, options.of);
  if (spec.search && !spec.search.nested) {
    throw new CryfoldError(
      'SPEC_INVALID',
      `${specPath}: search.nested: a champion is only challenged by honest figures`,
      {
        context: { file: specPath, key: 'search.nested' },
        hint: 'Add nested: {inner: 4} to search: the winner of a plain search is too good on the folds it was chosen by.',
      },
    );
  }
  const store = openStoreOf(storeUrl, config);
  const server = config.server && new HttpControl(new HttpClient(config.server));
  const models = modelControl(store.artifacts, storeUrl, config);
  const work = async (stop: AbortSignal) => {
    // Fails now rather than at the end where the decision cannot be written.
    if (config.server) await new HttpStore(new HttpClient(config.server)).role('operate');
    else await store.check();
    const preparation = await prepareRun({
      ...options,
      spec,
      sources: weightsSources(store, config.cacheDir),
      onProgress: (text) => display.update(text),
    });
    const surroundings = { options, config, environment, out, display, store, storeUrl, server, stop };
    const { model, margin } = options;
    const report = await new Retraining({ model, of, margin, models, preparation }, surroundings).run();
    display.clear();
    const { outcome, reason, champion } = report;
    say(
      options.json
        ? `${jsonText(report)}\n`
        : `${outcome}: ${reason}\n${model}: ${champion ? `the champion is ${champion}` : 'there is no champion'}\n`,
    );
    // Last, so that nobody misses what was done where this fails.
    if (outcome !== 'cancelled') await models.keepRetrain(report);
    return EXITS[outcome];
  };
  try {
    return await untilStopped(work);
  } finally {
    display.clear();
    await store.close();
  }
}
