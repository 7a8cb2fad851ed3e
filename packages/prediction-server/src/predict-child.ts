import { readSync } from 'node:fs';
import { asOutOfMemory, CryfoldError } from '@cryfold/core';
import { ByteReader } from '@cryfold/corpus';
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

/** Entry point of the prediction process. It loads one version of a model, and exits when its parent does. */
process.on('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
if (!process.connected) process.exit(0);

const send = (message: FromChild) => {
  if (process.connected) process.send?.(message);
};

function recordOf(error: unknown) {
  if (error instanceof CryfoldError) return error.toRecord();
  const message = error instanceof Error ? error.message : String(error);
  return (asOutOfMemory(error) ?? new CryfoldError('CHILD_DIED', `internal error: ${message}`)).toRecord();
}

async function load(source: ModelSource, allowCommands: boolean): Promise<ModelPredictor> {
  const { s3, childMemoryMb } = loadConfig();
  const options = { allowCommands, maxMemoryMb: childMemoryMb };
  if ('folder' in source) return ModelPredictor.load(await readModelFolder(source.folder), options);
  // Credentials come from the environment and are never sent over IPC.
  const store = openStore(source.storeUrl, s3);
  try {
    const card = await new ModelRegistry(store).find(source.name, source.version);
    return await ModelPredictor.load(await readStoredModel(store, card), options);
  } finally {
    await store.close();
  }
}

let predictor: ModelPredictor | undefined;

process.on('message', async (message: ToChild) => {
  if (message.type === 'load') {
    try {
      predictor = await load(message.source, message.allowCommands);
      send({ type: 'ready', card: predictor.card });
    } catch (error) {
      send({ type: 'failed', error: recordOf(error) });
    }
    return;
  }
  const { recordings, options } = message;
  try {
    if (!predictor) throw new CryfoldError('CHILD_DIED', 'no model is loaded');
    send({ type: 'done', predictions: await predictAll(predictor, recordings, options) });
  } catch (error) {
    send({ type: 'error', error: recordOf(error) });
  }
});

/**
 * Reads recordings in chunks, one recording after the other. The limits in `options` apply to all recordings together.
 */
async function predictAll(
  model: ModelPredictor,
  recordings: Recording[],
  options: PredictOptions,
): Promise<RecordingPrediction[]> {
  const left = { ...options };
  const predictions: RecordingPrediction[] = [];
  for (const recording of recordings) {
    const prediction = await model.predictRecording(readerOf(recording), recording.name, left);
    if (left.maxWindows !== undefined) left.maxWindows -= prediction.windows.length + prediction.silent.length;
    if (left.images !== undefined) left.images = Math.max(0, left.images - prediction.windows.length);
    predictions.push(prediction);
  }
  return predictions;
}

function readerOf({ offset, size }: Recording): ByteReader {
  return new ByteReader({
    size,
    readAt: (position, length) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - position)));
      const count = bytes.length === 0 ? 0 : readSync(SPOOL_DESCRIPTOR, bytes, 0, bytes.length, offset + position);
      if (count === 0 && bytes.length > 0)
        throw new CryfoldError('SPOOL_FAILED', 'the upload is no longer on disk', { hint: 'Send it again.' });
      return bytes.subarray(0, count);
    },
  });
}
