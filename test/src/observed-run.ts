import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, type Ended, temporaryFolder } from './command.js';
import { RedisProcess } from './redis.js';
import { type RunningService, startService, untilReady } from './service.js';

/** Epochs of the network in each fold */
export const EPOCHS = 150;

/**
 * Two repeats of three folds. The network trains for a few seconds per fold, long enough for the metrics to be scraped
 * during training.
 */
const SPEC = `
version: 1
name: observed
protocol: { folds: 3, repeats: 2 }
estimators:
  small-cnn: { kind: small-cnn, epochs: ${EPOCHS}, learningRate: 1e-3, filters: [4, 8, 8], dense: [16] }
  svm: { kind: svm }
fusion:
  combined: { members: [small-cnn, svm] }
`;

const RETRAINED = `
version: 1
name: nightly
protocol: { folds: 3, repeats: 1 }
estimators: { svm: { kind: svm } }
`;

const SEARCHED = `
version: 1
name: searched
protocol: { folds: 3, repeats: 1 }
estimators: { svm: { kind: svm } }
search:
  algorithm: random
  trials: 4
  space: { svm: { C: { log: [0.1, 10000] } } }
`;

/** A small cluster whose services can be scraped, with a corpus to run. */
export class ObservedCluster {
  readonly folder: string;
  readonly environment: Record<string, string>;
  readonly redis: RedisProcess;
  readonly services: Record<'coordinator' | 'aggregator' | 'worker', RunningService>;
  readonly #remove: () => Promise<void>;

  private constructor(
    redis: RedisProcess,
    { path, remove }: Awaited<ReturnType<typeof temporaryFolder>>,
    environment: Record<string, string>,
    services: ObservedCluster['services'],
  ) {
    this.redis = redis;
    this.folder = path;
    this.environment = environment;
    this.services = services;
    this.#remove = remove;
  }

  static async start(more: Record<string, string> = {}): Promise<ObservedCluster> {
    const redis = await RedisProcess.start();
    const folder = await temporaryFolder();
    const environment: Record<string, string> = {
      REDIS_URL: redis.url,
      CRYFOLD_STORE: `file:${join(folder.path, 'store')}`,
      ...more,
    };
    // Fakes the output of nvidia-smi, since most test machines have no GPU.
    const bin = join(folder.path, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'nvidia-smi'), '#!/bin/sh\necho "0, 87, 20480, 143771"\n', { mode: 0o755 });
    environment.PATH = `${bin}:${process.env.PATH}`;
    await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 2 });
    const [coordinator, aggregator, worker] = await Promise.all(
      ['coordinator', 'aggregator', 'worker'].map((role) => startService([role], environment)),
    );
    await untilReady(coordinator, aggregator, worker);
    return new ObservedCluster(redis, folder, environment, { coordinator, aggregator, worker });
  }

  async run(spec = SPEC): Promise<Ended> {
    const path = join(this.folder, 'spec.yaml');
    await writeFile(path, spec);
    const corpus = join(this.folder, 'corpus');
    return cryfold(['run', path, '--data', corpus, '--out', join(this.folder, 'out'), '--json'], this.environment);
  }

  /** Runs `cryfold retrain` with an SVM, which becomes the first champion. */
  async retrain(model: string): Promise<Ended> {
    const path = join(this.folder, 'retrain.yaml');
    await writeFile(path, RETRAINED);
    const corpus = join(this.folder, 'corpus');
    return cryfold(['retrain', path, '--data', corpus, '--model', model], this.environment);
  }

  /** Runs `cryfold sweep` over the SVM parameter C. */
  async sweep(): Promise<Ended> {
    const path = join(this.folder, 'sweep.yaml');
    await writeFile(path, SEARCHED);
    const corpus = join(this.folder, 'corpus');
    return cryfold(['sweep', path, '--data', corpus, '--out', join(this.folder, 'sweep'), '--json'], this.environment);
  }

  async scrape(role: keyof ObservedCluster['services']): Promise<string> {
    return (await fetch(`${this.services[role].url}/metrics`)).text();
  }

  async stop(): Promise<void> {
    const services = Object.values(this.services);
    for (const { process } of services) process.kill('SIGTERM');
    await Promise.all(services.map(({ ended }) => ended));
    await this.redis.remove();
    await this.#remove();
  }
}
