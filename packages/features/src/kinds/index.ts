export type {
  AnyFeatureKind,
  ClipShape,
  ClipSummary,
  Extractor,
  FeatureKind,
  FeatureParameters,
  GivenClips,
  GivenRows,
} from './feature-kind.js';
export {
  DEFAULT_FEATURES,
  type FeatureSet,
  type FeatureSetInput,
  featureKindOf,
  featureSetSchema,
  imageSizeOf,
} from './registry.js';
