import type { SoundProperties } from './sound-meter.js';

/** What a recording is besides its class: how its file was made, and what its sound is like. */
export interface RecordingProperties extends SoundProperties {
  /** Name of the audio format, such as `FLAC` */
  format: string;
  /** Sampling rate in Hz */
  rate: number;
  /** Bits of a stored sample; absent where a lossy codec has none */
  bits?: number;
  /** Channels in the file, before the mix-down */
  channels: number;
  seconds: number;
}
