export {
  CryfoldError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type ErrorRecord,
  type FailureClass,
} from './errors.js';
export { canonicalJson, contentKey, deriveSeed, sha256 } from './hash.js';
export { decodeNpy, encodeNpy, type NpyArray, type NpyData, type NpyType } from './npy.js';
export { Random } from './random.js';
export {
  type Estimator,
  estimatorSchema,
  parseSpec,
  type ResNet50Parameters,
  type SmallCnnParameters,
  type Spec,
  type SvmParameters,
  specSchema,
} from './spec.js';
