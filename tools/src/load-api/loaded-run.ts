import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { synthesizeCorpus } from '@cryfold/corpus';
import type { Cluster } from '@cryfold/integration-tests/cluster';
import { type Command, start, until } from '@cryfold/integration-tests/command';
import { freePort } from '@cryfold/testing';
import { startRedis } from '../bench/no-op.js';
import { cpuSeconds } from '../processes.js';
import { median } from '../statistics.js';

/** A time window of a run. */
export interface Rate {
  /** Folds per second, from the end of the first fold to the end of the last fold */
  rate: number;
  folds: number;
  /** Median duration of a fold in seconds */
  each: number;
  /** Share of a core that the coordinator used */
  share: number;
}

interface FoldEnd {
  time: string;
  seconds: number;
}

/** One long run on a cluster of processes on this machine, with one worker and the API. */
export class LoadedRun {
  /** Id of the run */
  run = '';
  readonly #folder: string;
  #command: Command | undefined;

  private constructor(
    private readonly cluster: Cluster,
    /** URL of the API */
    readonly url: string,
    folder: string,
  ) {
    this.#folder = folder;
  }

  /** @param estimator entry in the spec, such as `kind: svm` */
  static async start(estimator: string, folds: number): Promise<LoadedRun> {
    const folder = mkdtempSync(join(tmpdir(), 'cryfold-load-'));
    const port = await freePort();
    const loaded = new LoadedRun(await startRedis(folder), `http://127.0.0.1:${port}`, folder);
    try {
      await loaded.#begin({ estimator, folds, port });
      return loaded;
    } catch (error) {
      await loaded.stop();
      throw error;
    }
  }

  async #begin({ estimator, folds, port }: { estimator: string; folds: number; port: number }): Promise<void> {
    const folder = this.#folder;
    const redis = `redis://127.0.0.1:${this.cluster.redisPort}`;
    const environment = { REDIS_URL: redis, CRYFOLD_STORE: `file:${join(folder, 'store')}` };
    await synthesizeCorpus(join(folder, 'corpus'), { clips: 60, seed: 1 });
    const protocol = `protocol: { folds: 5, repeats: ${folds / 5} }`;
    const spec = `version: 1\nname: load\n${protocol}\nestimators:\n  it: { ${estimator} }\n`;
    writeFileSync(join(folder, 'load.yaml'), spec);
    this.cluster.run(
      { ...environment, CRYFOLD_API_RATE: '100000000', CRYFOLD_GRACE_SECONDS: '0' },
      { coordinator: ['coordinator', '--api-port', String(port)], aggregator: ['aggregator'], worker: ['worker'] },
    );
    const answers = () =>
      fetch(`${this.url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    await until('the coordinator', answers);
    const flags = ['--data', join(folder, 'corpus'), '--out', join(folder, 'out'), '--json'];
    this.#command = start(['run', join(folder, 'load.yaml'), ...flags], environment);
    await until('the first folds', () => this.#ends().length >= 5);
    [{ run: this.run }] = (await this.get('runs')) as { run: string }[];
    // Suspend the command that follows the run, because it is not part of the cluster to be measured.
    this.#command.process.kill('SIGSTOP');
  }

  async get(path: string): Promise<unknown> {
    return (await fetch(`${this.url}/api/v1/${path}`)).json();
  }

  /** @throws Error if the run has already finished */
  async cancel(): Promise<{ total: number; done: number }> {
    const { state, total, done } = (await this.get(`runs/${this.run}`)) as Record<string, unknown>;
    if (state !== 'running') throw new Error('the run finished before the last measurement window');
    const headers = { 'content-type': 'application/json' };
    await fetch(`${this.url}/api/v1/runs/${this.run}/cancel`, { method: 'POST', headers, body: '{}' });
    return { total: Number(total), done: Number(done) };
  }

  /** Measures a time window that begins now. @throws Error if fewer than 5 folds finish in it */
  async measure(seconds: number): Promise<Rate> {
    const pid = this.cluster.pid('coordinator')!;
    const [from, before] = [Date.now(), cpuSeconds(pid)];
    await sleep(seconds * 1000);
    const share = (cpuSeconds(pid) - before) / ((Date.now() - from) / 1000);
    const folds = this.#ends().filter(({ time }) => Date.parse(time) >= from);
    const times = folds.map(({ time }) => Date.parse(time));
    if (times.length < 5) throw new Error(`only ${times.length} folds finished in ${seconds} s; use a longer --window`);
    const rate = (times.length - 1) / ((times.at(-1)! - times[0]) / 1000);
    return { rate, folds: times.length, each: median(folds.map((fold) => fold.seconds)), share };
  }

  /** Reads the commit time and the duration in seconds of each fold committed so far from the worker's log. */
  #ends(): FoldEnd[] {
    const lines = readFileSync(join(this.#folder, 'logs', 'worker.log'), 'utf8').split('\n');
    return lines.flatMap((line) => (line.includes('"fold committed"') ? [JSON.parse(line) as FoldEnd] : []));
  }

  async stop(): Promise<void> {
    this.#command?.process.kill('SIGKILL');
    await this.cluster.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
