import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { CryfoldError, checkRegular } from '@cryfold/core';
import { ByteReader } from './bytes.js';
import { keptSamples } from './decoded-once.js';
import { openAudio, type Recorded } from './registry.js';

/** An open recording, which the caller must close. */
export interface OpenRecording {
  audio: Recorded;
  close(): Promise<void>;
}

/**
 * Opens a recording of any format and size, to be read in pieces. Within `decodingOnce`, reuses samples that were
 * already decoded.
 * @param name shown in messages
 * @throws CryfoldError WAV_INVALID if the file cannot be read; also any error that `openAudio` throws
 */
export async function openFile(path: string, name: string): Promise<OpenRecording> {
  const file = await openEntry(path).catch((cause) => {
    throw new CryfoldError('WAV_INVALID', `${name}: cannot be read: ${(cause as Error).message}`, {
      context: { file: name },
      hint: 'Replace it with a recording that can be read, or pass --skip-bad to leave such files out.',
      cause,
    });
  });
  try {
    const kept = keptSamples();
    const known = kept?.find(path, file.entry);
    if (known) return { audio: known, close: file.close };
    const opened = await openAudio(file.reader, name);
    const audio = kept?.keeping(path, file.entry, opened) ?? opened;
    const close = async () => {
      await audio.close?.();
      await file.close();
    };
    return { audio, close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a regular file to be read in pieces. Never blocks on a named pipe.
 * @throws any error that `checkRegular` throws, and file system errors
 */
export async function openByteReader(path: string): Promise<{ reader: ByteReader; close(): Promise<void> }> {
  const { reader, close } = await openEntry(path);
  return { reader, close };
}

async function openEntry(path: string): Promise<{ reader: ByteReader; entry: Stats; close(): Promise<void> }> {
  const { file, entry } = await openRegular(path);
  const { size } = entry;
  const reader = new ByteReader({
    ...{ size, path },
    readAt: async (position, length) => {
      const piece = Buffer.allocUnsafeSlow(Math.min(length, Math.max(1, size - position)));
      const { bytesRead } = await file.read(piece, 0, piece.length, position);
      return piece.subarray(0, bytesRead);
    },
  });
  return { reader, entry, close: () => file.close() };
}

async function openRegular(path: string) {
  // Checked before the file is opened, because opening some devices has side effects.
  checkRegular(await stat(path), Number.POSITIVE_INFINITY);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const entry = await file.stat();
    checkRegular(entry, Number.POSITIVE_INFINITY);
    return { file, entry };
  } catch (error) {
    await file.close();
    throw error;
  }
}
