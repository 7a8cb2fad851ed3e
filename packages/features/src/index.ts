export {
  type Clip,
  type Dataset,
  type ReadOptions,
  readClips,
  readDataset,
  type Skipped,
} from './dataset.js';
export { decodeWav, encodeWav, type Wav } from './wav.js';
