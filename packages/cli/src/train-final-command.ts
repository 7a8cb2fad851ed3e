import { cardText } from '@cryfold/model-registry';
import type { Spec } from '@cryfold/plan';
import { chooseOf } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { asTyped } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { findStoredRun } from './find-run.js';
import { modelControl } from './model-control.js';
import { openStoreOf } from './open-store.js';
import { ProgressDisplay } from './progress.js';
import { untilStopped } from './stop-signals.js';
import { otherStore, requireStore } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface TrainFinalOptions {
  name?: string;
  of?: string;
  json: boolean;
  allowCommands?: boolean;
}

/** `cryfold train-final RUN`: refits the model of a finished run on all data and saves it as a new version. */
export async function trainFinalCommand(run: string, options: TrainFinalOptions, config: Config): Promise<number> {
  requireStore(config);
  const { results, storeUrl } = await findStoredRun(run, config);
  const spec = results.spec as Spec;
  const of = chooseOf(spec, options.of);
  const store = openStoreOf(storeUrl, config);
  const display = new ProgressDisplay(process.stderr, options.json);
  const work = async (stop: AbortSignal) => {
    const name = options.name ?? spec.name;
    const { card, known } = await modelControl(store.artifacts, storeUrl, {
      ...config,
      allowCommands: options.allowCommands,
    }).make({ run: results.run.id, of, name }, { signal: stop, onProgress: (text) => display.update(text) });
    display.clear();
    if (options.json) say(`${jsonText({ known, card })}\n`);
    else {
      say(cardText(card));
      const model = `${card.name}@${card.version}`;
      say(`\n${model} ${known ? 'already exists' : 'saved'}\n`);
      say(`promote it to champion: ${asTyped(`cryfold models promote ${model}`, otherStore(storeUrl, config))}\n`);
    }
    return EXIT.done;
  };
  try {
    return await untilStopped(work, config);
  } finally {
    display.clear();
    await store.close();
  }
}
