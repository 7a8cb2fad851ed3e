import { openStore } from '@cryfold/artifacts';
import { asOutOfMemory, CryfoldError } from '@cryfold/core';
import { ModelPredictor, ModelRegistry, readModelFolder, readStoredModel } from '@cryfold/models';
import { loadConfig } from '@cryfold/runtime';
import type { FromChild, ModelSource, ToChild } from './messages.js';

/** Entry point of the process that predicts: it holds one version of a model and ends with its parent. */
process.on('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
if (!process.connected) process.exit(0);

const send = (message: FromChild) => {
  if (process.connected) process.send?.(message);
};

function recordOf(error: unknown) {
  if (error instanceof CryfoldError) return error.toRecord();
  const message = error instanceof Error ? error.message : String(error);
  return (asOutOfMemory(error) ?? new CryfoldError('CHILD_DIED', `a defect of cryfold: ${message}`)).toRecord();
}

async function load(source: ModelSource): Promise<ModelPredictor> {
  if ('folder' in source) return ModelPredictor.load(await readModelFolder(source.folder));
  // Credentials come from the environment, never over IPC.
  const store = openStore(source.storeUrl, loadConfig().s3);
  try {
    const card = await new ModelRegistry(store).find(source.name, source.version);
    return await ModelPredictor.load(await readStoredModel(store, card));
  } finally {
    await store.close();
  }
}

let predictor: ModelPredictor | undefined;

process.on('message', async (message: ToChild) => {
  if (message.type === 'load') {
    try {
      predictor = await load(message.source);
      send({ type: 'ready', card: predictor.card });
    } catch (error) {
      send({ type: 'failed', error: recordOf(error) });
    }
    return;
  }
  const { id, recordings, options } = message;
  try {
    if (!predictor) throw new CryfoldError('CHILD_DIED', 'no model is loaded');
    const model = predictor;
    send({
      type: 'done',
      id,
      predictions: recordings.map(({ name, bytes }) => model.predictRecording(bytes, name, options)),
    });
  } catch (error) {
    send({ type: 'error', id, error: recordOf(error) });
  }
});
