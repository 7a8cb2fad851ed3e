/** One audio segment, its class and the group that it came from. */
export interface Clip {
  /** unique and stable: `file#segment`, its start counted from 0 in clip lengths from the recording's start */
  id: string;
  label: string;
  group: string;
  /** path relative to the dataset's root, with `/` */
  file: string;
  /** first sample in the mixed-down recording */
  start: number;
  /** samples in the clip, `round(rate * clipSeconds)`, padding included */
  length: number;
  /** sampling rate in Hz */
  rate: number;
  /** hex sha256 of the rate and the float64 samples: equal sound, equal hash */
  hash: string;
  /** the fold that tests it, otherwise empty; only if `readDataset` was called with `folds` and the data names folds */
  fold?: string;
  /** name and version of the decoder of its recording; absent for WAV files */
  decoder?: string;
}
