import { type Dataset, readClips } from '@cryfold/corpus';
import { type Extractor, type FeatureSet, featureKindOf } from './kinds/index.js';

/** One row per clip, row-major: images are uint8 [clips, height, width, 3], vectors float32 [clips, columns]. */
export interface ComputedFeatures {
  shape: number[];
  data: Uint8Array | Float32Array;
}

/**
 * Computes a feature set for all clips, reading each recording once.
 * @throws any error that occurs while reading the recordings
 */
export async function computeFeatures(
  dataset: Dataset,
  set: FeatureSet,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ComputedFeatures> {
  const kind = featureKindOf(set);
  const prepare = await kind.loadExtractor(set);
  const shape = kind.shape(set);
  const size = shape.reduce((product, length) => product * length, 1);
  const total = dataset.clips.length;
  const data = kind.produces === 'images' ? new Uint8Array(total * size) : new Float32Array(total * size);
  // All clips with the same rate and length share an extractor.
  const extractors = new Map<string, Extractor>();
  let done = 0;
  for await (const { clip, samples } of readClips(dataset)) {
    const name = `${clip.rate} ${clip.length}`;
    const extract = extractors.get(name) ?? prepare({ rate: clip.rate, samples: clip.length });
    extractors.set(name, extract);
    data.set(extract(samples), done * size);
    onProgress(++done, total);
  }
  return { shape: [total, ...shape], data };
}
