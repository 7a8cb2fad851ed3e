import { CryfoldError, VERSION } from '@cryfold/core';
import { PredictionService } from '@cryfold/prediction-server';
import { type Config, createLogger, serve } from '@cryfold/runtime';
import { openStore, RunStore } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { modelStore, parseModel } from './find-model.js';
import { inTime } from './in-time.js';
import { storeUrlOf } from './store-url.js';

export interface ServeOptions {
  model: string;
  port: number;
  listen: string;
  maxUploadMb: number;
  timeoutSeconds: number;
  pollSeconds: number;
  allowCommands?: boolean;
}

/** `cryfold serve`: runs the HTTP prediction service and its page. */
export async function serveCommand(options: ServeOptions, config: Config): Promise<number> {
  const model = parseModel(options.model);
  if (config.target.kind === 'server' && !('folder' in model)) {
    throw new CryfoldError('USAGE', 'cryfold serve reads its models from the store, not through a server', {
      hint: 'Set CRYFOLD_STORE instead of CRYFOLD_SERVER; read access to the store is sufficient. To predict through a server, use cryfold predict.',
    });
  }
  const storeUrl = storeUrlOf(config);
  const store = 'folder' in model ? undefined : await modelStore(config);
  const log = createLogger('serve', config.logLevel);
  try {
    const service = await inTime(config.startSeconds, log, async (patiently) => {
      if (store) await patiently(() => checkReachable(storeUrl, config));
      const started = new PredictionService({
        ...{ model, store, storeUrl, log, port: options.port, listen: options.listen, version: VERSION },
        maxUpload: Math.ceil(options.maxUploadMb * 2 ** 20),
        timeoutSeconds: options.timeoutSeconds,
        pollSeconds: options.pollSeconds,
        access: config.serve(),
        allowCommands: options.allowCommands ?? false,
      });
      await started.start();
      return started;
    });
    await serve(service, { graceSeconds: config.graceSeconds, log });
    return EXIT.done;
  } finally {
    await store?.close();
  }
}

/** Fails within seconds if the store is unreachable, whereas the store client of the service retries for a minute. */
async function checkReachable(storeUrl: string, { s3 }: Config): Promise<void> {
  const quick = new RunStore(openStore(storeUrl, s3, { patienceMs: 3000, silenceMs: 3000 }));
  await quick.ping().finally(() => quick.close());
}
