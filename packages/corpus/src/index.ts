export {
  type Clip,
  type Dataset,
  findClips,
  type ReadOptions,
  readClips,
  readDataset,
  type Skipped,
} from './dataset.js';
export { type DatasetSummary, inspectDataset, limitClips } from './dataset-tools.js';
export { findDuplicates, type Sound } from './duplicates/find-duplicates.js';
export { resample } from './duplicates/resample.js';
export { joinGroups, sharedSounds } from './duplicates/shared-sounds.js';
export { groupPreview } from './groups/group-by.js';
export { LAYOUT_NAMES } from './layouts/registry.js';
export { BadRecordings, byCause, describeProblems, namesAll, problemOf } from './problems.js';
export { type SynthesizeOptions, type SyntheticCorpus, synthesizeCorpus } from './synth.js';
export { testOnOther } from './test-on.js';
export { decodeWav, encodeWav, LARGEST_WAV, type Wav } from './wav.js';
export { type CutWindows, countWindows, cutWindows } from './windows.js';
