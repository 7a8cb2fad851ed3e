import { decodeRecord, FORMATS, LIMITS } from '@cryfold/core';
import { z } from 'zod';

const sharedSoundsSchema = z.strictObject({
  format: z.literal(FORMATS.sounds),
  /**
   * For each sound that occurs in several clips, which may be equal or overlap: the manifest indices of these clips
   */
  sounds: z
    .array(
      z
        .array(
          z
            .int()
            .min(0)
            .max(LIMITS.clips - 1),
        )
        .min(2),
    )
    .max(LIMITS.clips / 2),
});

/**
 * `datasets/<dataset>/sounds.json`: facts about the audio that are not in the manifest. Absent in stores written by
 * earlier versions.
 */
export type SharedSounds = z.infer<typeof sharedSoundsSchema>;

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER */
export function decodeSharedSounds(bytes: Uint8Array, name: string): SharedSounds {
  return decodeRecord(sharedSoundsSchema, bytes, name);
}
