import { resolve } from 'node:path';
import { CryfoldError, sha256 } from '@cryfold/core';
import { type OpenRecording, openFile } from './audio/open-file.js';
import { SampleBuffer } from './audio/sample-buffer.js';
import type { RecordingProperties } from './audit/recording-properties.js';
import { SoundMeter } from './audit/sound-meter.js';
import type { Clip } from './clip.js';
import type { Labels } from './recording.js';
import { type CutOptions, filled, silence, Windows } from './windows.js';

/** The clips and properties of a recording. */
export interface CutRecording {
  clips: Clip[];
  /** One error per silent part, which is a run of skipped clips */
  silent: CryfoldError[];
  properties: RecordingProperties;
  /** The largest absolute sample */
  peak: number;
}

/**
 * Reads a recording in pieces and cuts it into clips.
 * @throws CryfoldError WAV_*, DECODER_MISSING, CLIP_*
 */
export async function cutRecording(
  root: string,
  recording: Labels & { file: string },
  options: CutOptions,
): Promise<CutRecording> {
  const { file, label, group, fold } = recording;
  const { audio, close } = await openFile(resolve(root, file), file);
  try {
    const { rate, decoder, format, channels, bits } = audio;
    const meter = new SoundMeter(rate);
    const windows = new Windows({ rate, blocks: meter.through(audio.blocks) }, options, file);
    const { length } = windows;
    const clips: Clip[] = [];
    const silent: number[] = [];
    for await (const { start, samples, silent: isSilent } of windows) {
      if (isSilent) {
        silent.push(start / length);
        continue;
      }
      clips.push({
        ...{ id: `${file}#${start / length}`, label, group, file, start, length, rate },
        hash: hashSamples(samples, rate),
        ...(fold === undefined ? {} : { fold }),
        ...(decoder === undefined ? {} : { decoder }),
      });
    }
    return {
      clips,
      silent: describeSilence(file, silent),
      properties: {
        ...{ format, rate, channels, seconds: windows.total / rate },
        ...(bits === undefined ? {} : { bits }),
        ...meter.end(),
      },
      peak: audio.peak(),
    };
  } finally {
    await close();
  }
}

/** A long recording may have many silent clips, so each run of them becomes one error. */
function describeSilence(file: string, segments: readonly number[]): CryfoldError[] {
  const errors: CryfoldError[] = [];
  for (let i = 0; i < segments.length; i++) {
    const first = segments[i];
    while (segments[i + 1] - segments[i] <= 1) i++;
    const last = segments[i];
    const name = first === last ? `${file}#${first}` : `${file}#${first} to #${last}`;
    errors.push(silence(name, 'this part of the recording'));
  }
  return errors;
}

/**
 * Yields every clip with its samples (mono, full scale +-1, `clip.length` values), in the order of the dataset.
 * Recordings are read in pieces, and only once if their clips are consecutive.
 * @throws CryfoldError DATA_CHANGED if a file has changed since `readDataset`; also the WAV_* errors that `readDataset`
 * throws
 */
export async function* readClips(dataset: {
  root: string;
  clips: readonly Clip[];
}): AsyncGenerator<{ clip: Clip; samples: Float64Array }> {
  let current: { file: string; start: number; recording: OpenRecording; buffer: SampleBuffer } | undefined;
  try {
    for (const clip of dataset.clips) {
      if (current?.file !== clip.file || clip.start < current.start) {
        await current?.recording.close();
        current = undefined;
        const recording = await openFile(resolve(dataset.root, clip.file), clip.file);
        current = { file: clip.file, start: 0, recording, buffer: new SampleBuffer(recording.audio.blocks) };
      }
      current.start = clip.start;
      const samples = filled(await current.buffer.part(clip.start, clip.length), clip.length);
      if (hashSamples(samples, current.recording.audio.rate) !== clip.hash) {
        throw new CryfoldError('DATA_CHANGED', `${clip.id}: the file has changed since it was first read`, {
          context: { file: clip.file, clip: clip.id },
          hint: 'Run the command again when no other process is writing to the data.',
        });
      }
      yield { clip, samples };
    }
  } finally {
    await current?.recording.close();
  }
}

/** Hex sha256 of the rate and the samples. */
export function hashSamples(samples: Float64Array, rate: number): string {
  const bytes = new Uint8Array(8 + samples.byteLength);
  new DataView(bytes.buffer).setFloat64(0, rate, true);
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 8);
  return sha256(bytes);
}
