import {
  CryfoldError,
  canonicalJson,
  datasetKey,
  decodeRecord,
  FORMATS,
  groupSourceSchema,
  LIMITS,
} from '@cryfold/core';
import { z } from 'zod';

/** A sha256 hash in a record. */
export const hex = z.string().regex(/^[0-9a-f]{64}$/);
/** The names of all classes. */
export const labels = z.array(z.string().max(LIMITS.label)).max(LIMITS.classes);
const text = z.string().max(LIMITS.text);

const manifestSchema = z.strictObject({
  /**
   * Format 2 is used if clips have a `fold` or if `groupSource` is present, and format 3 if there are decoders or notes
   */
  format: z.literal([1, 2, FORMATS.manifest]),
  name: text,
  contentHash: hex,
  grouped: z.boolean(),
  /** What groups are and how they were determined. Absent from manifests written by earlier versions. */
  groupSource: groupSourceSchema.optional(),
  classes: labels,
  /** Absent from manifests written by earlier versions. */
  rates: z.array(z.strictObject({ rate: z.number().positive(), clips: z.int() })).optional(),
  /** Name and version of the decoders of recordings other than WAV files; part of `contentHash` */
  decoders: z.array(text).max(LIMITS.classes).optional(),
  /** Notes on how the recordings were read, for example about skipped files */
  notes: z
    .array(z.string().max(4 * LIMITS.text))
    .max(LIMITS.classes)
    .optional(),
  clips: z
    .array(
      z.strictObject({
        id: text,
        label: z.string().max(LIMITS.label),
        group: text,
        /** Hash of the sound; absent from manifests written by earlier versions. */
        hash: hex.optional(),
        /** The fold that tests the clip, if the data assigns folds; empty if no fold tests it */
        fold: text.optional(),
      }),
    )
    .max(LIMITS.clips),
});

/** The part of a dataset that workers and the aggregator need: what identifies the clips, without their audio. */
export type DatasetManifest = z.infer<typeof manifestSchema>;

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER */
export function decodeManifest(bytes: Uint8Array, name: string): DatasetManifest {
  return decodeRecord(manifestSchema, bytes, name);
}

/**
 * Decodes a manifest from an untrusted source, and checks everything that can be derived from its clips.
 * @throws CryfoldError JOB_INVALID; ARTIFACT_CORRUPT if values contradict each other
 */
export function decodeForeignManifest(bytes: Uint8Array, name: string): DatasetManifest {
  const manifest = decodeManifest(bytes, name);
  const contradicts = (why: string) =>
    new CryfoldError('ARTIFACT_CORRUPT', `${name}: ${why}`, {
      context: { artifact: name },
      hint: 'Submit the run from a cryfold CLI of the same version as the server.',
    });
  const { contentHash, classes, grouped, rates } = manifest;
  const clips = manifest.clips.map(({ hash, ...clip }) => {
    if (hash === undefined) throw contradicts(`clip ${clip.id} has no hash`);
    return { ...clip, hash };
  });
  if (datasetKey(clips, manifest.decoders) !== contentHash) throw contradicts('contentHash does not match the clips');
  const labels = [...new Set(clips.map(({ label }) => label))].sort();
  if (canonicalJson(classes) !== canonicalJson(labels))
    throw contradicts('classes do not match the labels of the clips');
  if (grouped !== new Set(clips.map(({ group }) => group)).size < clips.length) {
    throw contradicts('grouped contradicts the groups of the clips');
  }
  const rated = rates?.reduce((sum, rate) => sum + rate.clips, 0) ?? clips.length;
  if (rated !== clips.length) throw contradicts(`rates cover ${rated} clips, not ${clips.length}`);
  return manifest;
}
