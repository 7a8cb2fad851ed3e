import type { SoundProperties } from './sound-meter.js';

/** Properties of a recording other than its class: how its file was made, and what it sounds like. */
export interface RecordingProperties extends SoundProperties {
  /** Name of the audio format, such as `FLAC` */
  format: string;
  /** Sampling rate in Hz */
  rate: number;
  /** Bits per stored sample; absent for lossy codecs */
  bits?: number;
  /** Channels in the file, before the mix-down */
  channels: number;
  seconds: number;
}
