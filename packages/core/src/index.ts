export {
  CryfoldError,
  DAMAGE_CODES,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type ErrorRecord,
  type FailureClass,
  redactUrl,
} from './errors.js';
export { FORMATS, isNewer, newer, refuseNewer } from './formats.js';
export { canonicalJson, contentKey, deriveSeed, sha256 } from './hash.js';
export { mapLimited } from './map-limited.js';
export { decodeNpy, encodeNpy, type NpyArray, type NpyData, type NpyType } from './npy.js';
export { Random } from './random.js';
export { decodeRecord, type EpochPoint, encodeRecord, epochSchema, errorRecordSchema } from './record.js';
export { VERSION } from './version.js';
