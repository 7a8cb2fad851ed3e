import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { CryfoldError } from '@cryfold/core';
import { CONVERT, invalid, type OpenAudio } from './audio-format.js';
import { ByteReader } from './bytes.js';
import { openPcm } from './pcm.js';
import { wavHeader } from './wav-header.js';

export interface FfmpegInput {
  /** Kind of recording, for messages */
  what: string;
  /**
   * ffmpeg's name for the format. ffmpeg must not try any other format, because files of some formats can make it open
   * other files and URLs
   */
  demuxer: string;
}

/** Maximum size in bytes of a recording that is copied for ffmpeg because it does not come from a file. */
const LARGEST_COPY = 2 ** 29;
/** CPU time limit for one recording in seconds. */
const CPU_SECONDS = 600;
/** Maximum number of characters of ffmpeg's messages to keep. */
const ERRORS_LENGTH = 2000;

const HINT = 'Copy or encode it again, or pass --skip-bad to leave such files out.';

let known: Promise<string> | undefined;

/** Returns the version of `ffmpeg` on the PATH. */
async function version(): Promise<string> {
  const { stdout } = await promisify(execFile)('ffmpeg', ['-version']);
  return `ffmpeg ${/^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown'}`;
}

/**
 * Decodes a recording with `ffmpeg` while it is read.
 * @throws CryfoldError DECODER_MISSING if ffmpeg is not installed; WAV_INVALID
 */
export async function openWithFfmpeg(reader: ByteReader, name: string, input: FfmpegInput): Promise<OpenAudio> {
  known ??= version();
  const decoder = await known.catch((cause) => {
    known = undefined;
    throw new CryfoldError('DECODER_MISSING', `${name}: ${input.what} needs ffmpeg, which is not on the PATH`, {
      cause,
      context: { file: name, format: input.what },
      hint: `Install ffmpeg (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg), or convert the recording on another machine. ${CONVERT.ffmpeg}`,
    });
  });
  if (!reader.rewind()) throw invalid(name, `${input.what} cannot be read from a stream`, CONVERT.ffmpeg);
  const file: { path: string; folder?: string } =
    reader.path === undefined ? await copyOf(reader, name) : { path: resolve(reader.path) };
  const run = new FfmpegRun(file.path, name, input);
  const close = async () => {
    await run.stop();
    if (file.folder) await rm(file.folder, { recursive: true, force: true });
  };
  try {
    const sound = ByteReader.ofStream(run.output);
    // Leaves out `bits`, which is the bit depth of ffmpeg's output rather than that of the recording.
    const { bits: _, ...audio } = openPcm(sound, await sound.parse(wavHeader(name)), name);
    return { ...audio, decoder, close, blocks: checked(audio.blocks, run) };
  } catch (error) {
    const failure = await run.failure();
    await close();
    throw failure ?? error;
  }
}

async function* checked(blocks: AsyncIterable<Float64Array>, run: FfmpegRun): AsyncGenerator<Float64Array> {
  yield* blocks;
  const failure = await run.failure();
  if (failure) throw failure;
}

/** Copies bytes that do not come from a file into a private folder. */
async function copyOf(reader: ByteReader, name: string): Promise<{ path: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-audio-'));
  try {
    const path = join(folder, 'recording');
    const file = await open(path, 'wx', 0o600);
    try {
      let total = 0;
      for await (const bytes of reader.rest()) {
        total += bytes.length;
        if (total > LARGEST_COPY)
          throw invalid(name, `it is larger than ${LARGEST_COPY / 2 ** 20} MiB`, CONVERT.ffmpeg);
        await file.writeFile(bytes);
      }
    } finally {
      await file.close();
    }
    return { path, folder };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** An ffmpeg process that writes a WAV file to a pipe. */
class FfmpegRun {
  readonly output: Readable;
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #path: string;
  readonly #name: string;
  #errors = '';

  constructor(path: string, name: string, { demuxer }: FfmpegInput) {
    const child = spawn(
      'ffmpeg',
      [
        ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-timelimit', `${CPU_SECONDS}`],
        // ffmpeg must not open other files or use the network, no matter what the recording refers to.
        ...['-protocol_whitelist', 'file', '-f', demuxer, '-i', `file:${path}`],
        ...['-map', '0:a:0', '-c:a', 'pcm_f32le', '-f', 'wav', '-protocol_whitelist', 'pipe', 'pipe:1'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#path = path;
    this.#name = name;
    this.#process = child;
    this.output = child.stdout;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(0, ERRORS_LENGTH);
    });
    this.#ended = new Promise((settle) => {
      child.once('error', () => settle(null));
      child.once('close', settle);
    });
  }

  /** Waits until ffmpeg exits. @returns the problem with the recording, if any */
  async failure(): Promise<CryfoldError | undefined> {
    this.output.resume();
    const code = await this.#ended;
    const [line = ''] = this.#errors.replaceAll(`file:${this.#path}`, this.#name).split('\n');
    if (code === 0 && line === '') return undefined;
    return invalid(this.#name, `ffmpeg cannot read it: ${line || `it exited with code ${code}`}`, HINT);
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    this.output.destroy();
    await this.#ended;
  }
}
