export { counted } from './counted.js';
export { type ClipIdentity, datasetKey } from './dataset-key.js';
export { decodeText, EncodingError } from './decode-text.js';
export { endsWithin } from './ends-within.js';
export {
  CryfoldError,
  DAMAGE_CODES,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type ErrorRecord,
  type FailureClass,
  type FailureScope,
  redactUrl,
  scopeOf,
} from './errors.js';
export { Fft } from './fft.js';
export {
  FOLD_NOTE,
  FORMATS,
  ifReadable,
  isNewer,
  isUnreadable,
  newer,
  refuseNewer,
  unlessUnreadable,
} from './formats.js';
export { GROUP_KINDS, type GroupSource, groupSourceSchema, NO_GROUPS } from './group-source.js';
export { CanonicalText, canonicalJson, contentKey, deriveSeed, sha256 } from './hash.js';
export { isBelow } from './is-below.js';
export { isObject } from './is-object.js';
export { LIMITS } from './limits.js';
export { mapLimited } from './map-limited.js';
export { didYouMean, nearestName } from './nearest.js';
export {
  decodeNpy,
  decodeNpyHeader,
  encodeNpy,
  NPY_HEADER_LIMIT,
  type NpyArray,
  type NpyData,
  type NpyHeader,
  type NpyType,
} from './npy.js';
export { abortedForMemory, asOutOfMemory } from './out-of-memory.js';
export { MONOCHROME, PALETTE, PALETTE_SIZE } from './palette.js';
export { escapeControls, printable } from './printable.js';
export { Random } from './random.js';
export { checkRegular, readRegularFile, readRegularText } from './read-file.js';
export { decodeRecord, type EpochPoint, encodeRecord, epochSchema, errorRecordSchema } from './record.js';
export { parseRedisUrl, type RedisAddress, withRedisPasswordFile } from './redis-address.js';
export { readNamedFile, readSecret, type Secret } from './secret.js';
export { isTestedOnName, testedOnName } from './tested-on.js';
export { VERSION } from './version.js';
