/** One audio segment, with its class and group. */
export interface Clip {
  /** unique and stable: `file#segment`, where `segment` is the start of the clip, counted in clip lengths from 0 */
  id: string;
  label: string;
  group: string;
  /** path relative to the dataset's root, with `/` */
  file: string;
  /** first sample in the mixed-down recording */
  start: number;
  /** number of samples in the clip, `round(rate * clipSeconds)`, including padding */
  length: number;
  /** sampling rate in Hz */
  rate: number;
  /** hex sha256 of the rate and the float64 samples, so that equal sounds have equal hashes */
  hash: string;
  /**
   * the fold in which the clip is tested, or an empty string; only present if `readDataset` was called with `folds` and
   * the data assigns folds
   */
  fold?: string;
  /** name and version of the decoder that read the recording; absent for WAV files */
  decoder?: string;
}
