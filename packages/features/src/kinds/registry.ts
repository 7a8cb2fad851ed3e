import { z } from 'zod';
import { external } from './external.js';
import type { AnyFeatureKind } from './feature-kind.js';
import { logMel } from './log-mel.js';
import { melSpectrogram } from './mel-spectrogram.js';
import { mfcc } from './mfcc.js';
import { pitch } from './pitch.js';
import { spectrogram } from './spectrogram.js';

/** Every kind of feature set. To add a kind, write a file for it and add it here; see docs/extending.md. */
const KINDS = [spectrogram, mfcc, logMel, melSpectrogram, pitch, external] as const;

/** The parameters of a feature set, including its kind. */
export type FeatureSet = z.infer<(typeof KINDS)[number]['parameters']>;

/** A feature set as written: parameters with a default may be omitted. */
export type FeatureSetInput = z.input<(typeof KINDS)[number]['parameters']>;

/** A stored feature set, which always has a kind. */
export const featureSetSchema = z.discriminatedUnion(
  'kind',
  KINDS.map(({ parameters }) => parameters) as never,
) as unknown as z.ZodType<FeatureSet, FeatureSetInput>;

/** The default kind of a feature set in a spec. */
export const DEFAULT_FEATURES = 'spectrogram' satisfies FeatureSet['kind'];

const byName = new Map<string, AnyFeatureKind>(KINDS.map((kind) => [kind.kind, kind]));

/** Returns the kind that computes a feature set. */
export function featureKindOf({ kind }: { kind: string }): AnyFeatureKind {
  const found = byName.get(kind);
  if (!found) throw new TypeError(`there is no feature set of kind ${kind}`);
  return found;
}

/** Returns the height and width of the images of a feature set; undefined if it does not consist of images. */
export function imageSizeOf(set: FeatureSet): { height: number; width: number } | undefined {
  const kind = featureKindOf(set);
  if (kind.produces !== 'images') return undefined;
  const [height, width] = kind.shape(set);
  return { height, width };
}
