import { readSync } from 'node:fs';
import { asOutOfMemory, CryfoldError } from '@cryfold/core';
import {
  ModelPredictor,
  ModelRegistry,
  type PredictOptions,
  type RecordingPrediction,
  readModelFolder,
  readStoredModel,
} from '@cryfold/model-registry';
import { loadConfig } from '@cryfold/runtime';
import { openStore } from '@cryfold/store';
import { type FromChild, type ModelSource, SPOOL_DESCRIPTOR, type ToChild } from './messages.js';
import type { Recording } from './spool.js';

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
  const { recordings, options } = message;
  try {
    if (!predictor) throw new CryfoldError('CHILD_DIED', 'no model is loaded');
    send({ type: 'done', predictions: predictAll(predictor, recordings, options) });
  } catch (error) {
    send({ type: 'error', error: recordOf(error) });
  }
});

/** One recording after the other is read into memory; the bounds of `options` are those of all together. */
function predictAll(model: ModelPredictor, recordings: Recording[], options: PredictOptions): RecordingPrediction[] {
  const left = { ...options };
  return recordings.map(({ name, offset, size }) => {
    const prediction = model.predictRecording(read(offset, size), name, left);
    if (left.maxWindows !== undefined) left.maxWindows -= prediction.windows.length + prediction.silent.length;
    if (left.images !== undefined) left.images = Math.max(0, left.images - prediction.windows.length);
    return prediction;
  });
}

function read(offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const count = readSync(SPOOL_DESCRIPTOR, bytes, done, size - done, offset + done);
    if (count === 0)
      throw new CryfoldError('SPOOL_FAILED', 'the upload is no longer on disk', { hint: 'Send it again.' });
    done += count;
  }
  return bytes;
}
