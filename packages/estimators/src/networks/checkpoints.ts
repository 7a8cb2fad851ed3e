import type { EpochPoint } from '@cryfold/core';
import type { Artifacts, Checkpoint } from '../engine.js';

/** Automatic checkpoints may take at most 1 / SHARE of the training time. */
const SHARE = 20;

/** Returns how training stores its state and where it resumes; undefined if no checkpoints are requested. */
export async function checkpointing(checkpoint: Checkpoint | undefined, epochs: number, artifacts: Artifacts) {
  if (!checkpoint) return undefined;
  const { key, afterSeconds } = checkpoint;
  const resume = await artifacts.get(key);
  let saved = { at: Number.NEGATIVE_INFINITY, tookMs: 0 };
  return {
    ...(resume && { resume }),
    due: (curve: readonly EpochPoint[]) =>
      afterSeconds === undefined ||
      (expectedSeconds(curve, epochs) > afterSeconds && performance.now() - saved.at >= SHARE * saved.tookMs),
    save: async (bytes: Uint8Array) => {
      const started = performance.now();
      await artifacts.put(key, bytes);
      saved = { at: performance.now(), tookMs: performance.now() - started };
    },
  };
}

/** Estimates the duration of all epochs of a fold in seconds, from the completed ones. */
function expectedSeconds(curve: readonly EpochPoint[], epochs: number): number {
  return (epochs * curve.reduce((sum, { seconds }) => sum + seconds, 0)) / curve.length;
}
