import type { EpochPoint } from '@cryfold/core';
import type { Artifacts, Checkpoint } from '../engine.js';

/** A checkpoint that is kept by itself may take so little of the training time: one part in so many. */
const SHARE = 20;

/** How a network's training keeps its state, and where it resumes; nothing where no checkpoint is wanted. */
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

/** Seconds that all epochs of a fold take, by those that it has behind it. */
function expectedSeconds(curve: readonly EpochPoint[], epochs: number): number {
  return (epochs * curve.reduce((sum, { seconds }) => sum + seconds, 0)) / curve.length;
}
