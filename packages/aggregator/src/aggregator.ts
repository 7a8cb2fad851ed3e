import { type ArtifactStore, openStore, readArtifact } from '@cryfold/artifacts';
import {
  CryfoldError,
  decodeManifest,
  decodeNpy,
  decodePlan,
  decodeRecord,
  encodeRecord,
  type FoldFailure,
  type FoldJob,
  type FoldResult,
  foldFailureSchema,
  foldResultSchema,
  type RunPlan,
  storeKeys,
} from '@cryfold/core';
import { evaluateRun, outOfFoldCsv, type RunResults, type Split } from '@cryfold/evaluation';
import { Consumer, type RunPayload, runPayload } from '@cryfold/queue';
import type { Logger, Service } from '@cryfold/runtime';

export interface AggregatorOptions {
  redisUrl: string;
  storeUrl: string;
  log: Logger;
}

interface ReadFold {
  probabilities: Float64Array;
  decisions: Float64Array | undefined;
  environment: Record<string, string>;
}

/** Fuses a settled run's probabilities, computes its metrics and writes `out-of-fold.csv`, then `results.json`. */
export class Aggregator implements Service {
  readonly #store: ArtifactStore;
  readonly #consumer: Consumer<RunPayload>;

  constructor(options: AggregatorOptions) {
    this.#store = openStore(options.storeUrl);
    this.#consumer = new Consumer({
      url: options.redisUrl,
      queue: 'aggregate',
      schema: runPayload,
      concurrency: 1,
      handle: async ({ run }) => {
        const results = await aggregate(this.#store, run);
        options.log.info({ run, status: results.status, missing: results.missing.length }, 'run aggregated');
      },
      onError: (error) => options.log.warn({ err: error }, 'queue error'),
    });
    options.log.info('aggregator ready');
  }

  async stop(graceSeconds: number): Promise<void> {
    await this.#consumer.close(graceSeconds === 0);
    await this.#store.close();
  }
}

/**
 * Reads every fold of a run's plan; what is missing is said, never averaged over.
 * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT, JOB_INVALID, NPY_INVALID, PROBABILITIES_INVALID
 */
async function aggregate(store: ArtifactStore, run: string): Promise<RunResults> {
  const planKey = storeKeys.plan(run);
  const plan = decodePlan(await readArtifact(store, planKey), planKey);
  const manifestKey = storeKeys.manifest(plan.dataset.key);
  const manifest = decodeManifest(await readArtifact(store, manifestKey), manifestKey);
  const failures = await readFailures(store, run);

  const noFolds = () => plan.splits.map((): Float64Array | null => null);
  const probabilities = new Map<string, (Float64Array | null)[]>();
  const decisions = new Map<string, (Float64Array | null)[]>();
  const environment: Record<string, string> = {};
  for (const trial of Object.keys(plan.spec.estimators)) probabilities.set(trial, noFolds());
  for (const job of plan.jobs) {
    const fold = await readFold(store, job, plan);
    if (!fold) continue;
    const folds = probabilities.get(job.trial);
    if (folds) folds[job.split] = fold.probabilities;
    if (fold.decisions) {
      if (!decisions.has(job.trial)) decisions.set(job.trial, noFolds());
      decisions.get(job.trial)![job.split] = fold.decisions;
    }
    noteEnvironment(environment, job.trial, fold.environment);
  }

  const index = new Map(manifest.classes.map((label, i) => [label, i]));
  const clips = manifest.clips.map(({ id, group, label }) => ({ id, group, label: index.get(label) ?? -1 }));
  const splits: Split[] = plan.splits.map(({ repeat, fold, train, test }) => ({
    repeat,
    fold,
    train: Int32Array.from(train),
    test: Int32Array.from(test),
  }));
  const evaluated = evaluateRun({
    classes: manifest.classes,
    clips,
    splits,
    estimators: plan.spec.estimators,
    fusion: plan.spec.fusion,
    probabilities,
    decisions,
    failures: plan.jobs.flatMap((job) => {
      const failure = failures.get(job.key);
      if (!failure) return [];
      const { repeat, fold } = plan.splits[job.split];
      return [{ model: job.trial, repeat, fold, code: failure.error.code, message: failure.error.message }];
    }),
  });
  const results: RunResults = {
    format: 1,
    run: { id: run, name: plan.spec.name },
    spec: plan.spec,
    dataset: { name: plan.dataset.name, contentHash: plan.dataset.key, ...evaluated.dataset },
    protocol: { ...evaluated.protocol, splitter: plan.spec.protocol.splitter, seed: plan.spec.seed },
    ...evaluated.results,
    environment,
  };
  const columns = new Map(evaluated.probabilities);
  for (const [trial, folds] of decisions) columns.set(`${trial}.decision`, folds);
  const csv = [...outOfFoldCsv({ classes: manifest.classes, clips, splits, probabilities: columns })];
  await store.put(storeKeys.outOfFold(run), new TextEncoder().encode(csv.join('')));
  // Last: its presence says that the run is at its end.
  await store.put(storeKeys.results(run), encodeRecord(results));
  return results;
}

async function readFailures(store: ArtifactStore, run: string): Promise<Map<string, FoldFailure>> {
  const failures = new Map<string, FoldFailure>();
  for await (const key of store.list(storeKeys.failures(run))) {
    const bytes = await store.get(key);
    if (!bytes) continue;
    const failure = decodeRecord(foldFailureSchema, bytes, key);
    failures.set(failure.key, failure);
  }
  return failures;
}

async function readFold(store: ArtifactStore, job: FoldJob, plan: RunPlan): Promise<ReadFold | undefined> {
  const key = storeKeys.result(job.key);
  const bytes = await store.get(key);
  if (!bytes) return undefined;
  const record = decodeRecord(foldResultSchema, bytes, key);
  const read = async ({ key: file, sha256 }: FoldResult['probabilities']) => {
    const { shape, data } = decodeNpy(await readArtifact(store, file, sha256), '<f8', 2, file);
    const expected = [plan.splits[job.split].test.length, plan.dataset.classes.length];
    if (shape[0] === expected[0] && shape[1] === expected[1]) return data;
    throw new CryfoldError('ARTIFACT_CORRUPT', `${file} has shape ${shape}, not ${expected}`, {
      context: { key: file },
    });
  };
  return {
    probabilities: await read(record.probabilities),
    decisions: record.decisions && (await read(record.decisions)),
    environment: record.environment,
  };
}

/** Versions and processors that computed a trial; several, where workers differ. */
function noteEnvironment(all: Record<string, string>, trial: string, fold: Record<string, string>): void {
  for (const [name, value] of Object.entries(fold)) {
    if (name === 'host') continue;
    const key = `${trial}.${name}`;
    if (all[key] === undefined) all[key] = value;
    else if (!all[key].split(' | ').includes(value)) all[key] += ` | ${value}`;
  }
}
