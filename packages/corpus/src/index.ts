export { ByteReader, type ByteSource } from './audio/bytes.js';
export { decodingOnce } from './audio/decoded-once.js';
export { openByteReader } from './audio/open-file.js';
export { openAudio } from './audio/registry.js';
export { RESAMPLED_KEEPS, resampled } from './audio/resampled.js';
export type { RecordingProperties } from './audit/recording-properties.js';
export {
  type Clip,
  type Dataset,
  type ReadOptions,
  readClips,
  readDataset,
  readLabels,
  type Skipped,
} from './dataset.js';
export { type DatasetSummary, inspectDataset, limitClips } from './dataset-tools.js';
export { type ChangeDates, changeDates } from './dates.js';
export { findDuplicates, type Sound } from './duplicates/find-duplicates.js';
export { resample } from './duplicates/resample.js';
export { joinGroups, sharedSounds } from './duplicates/shared-sounds.js';
export { type Durations, measureDurations } from './durations.js';
export { findClips } from './find-clips.js';
export { groupPreview } from './groups/group-by.js';

export { BadRecordings, byCause, describeProblems, namesAll, problemOf } from './problems.js';
export { type FolderRecordings, recordingsIn } from './recordings-in.js';
export { type SynthesizeOptions, type SyntheticCorpus, synthesizeCorpus } from './synth.js';
export { testOnOther } from './test-on.js';
export { type CsvRecord, parseCsv } from './text/csv.js';
export { describeUnread, type Unread } from './unread.js';
export { decodeWav, encodeWav, type Wav } from './wav.js';
export { type CutOptions, countWindows, type Window, Windows } from './windows.js';
