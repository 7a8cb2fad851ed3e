import { constants, ftruncateSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CryfoldError } from '@cryfold/core';

/** Name of an uploaded recording, and its position in the spool in bytes. */
export interface Recording {
  name: string;
  offset: number;
  size: number;
}

/** Part of the spool that is reserved for one request. */
export interface Place {
  /** First byte in the spool */
  readonly offset: number;
  release(): void;
}

/**
 * Stores uploads in one file on disk. The file is divided into places of equal size, one per admitted request, which
 * limits the use of memory and disk. The file is unlinked as soon as it is open, so it never remains on disk. The
 * prediction process inherits its file descriptor.
 */
export class Spool {
  readonly #file: FileHandle;
  readonly #places: number;
  readonly #size: number;
  readonly #taken = new Set<number>();
  #closed = false;

  private constructor(file: FileHandle, places: number, size: number) {
    this.#file = file;
    this.#places = places;
    this.#size = size;
  }

  /**
   * @param places maximum number of concurrent requests
   * @param size size of a place in bytes
   * @throws CryfoldError SPOOL_FAILED if the temporary folder cannot be written
   */
  static async open(places: number, size: number): Promise<Spool> {
    try {
      // Until the file is unlinked, it is in a private folder.
      const folder = await mkdtemp(join(tmpdir(), 'cryfold-serve-'));
      try {
        const path = join(folder, 'uploads');
        const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
        const file = await open(path, flags, 0o600);
        await unlink(path);
        return new Spool(file, places, size);
      } finally {
        await rmdir(folder);
      }
    } catch (cause) {
      throw failed(cause);
    }
  }

  /** File descriptor that the prediction process inherits. */
  get descriptor(): number {
    return this.#file.fd;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** @returns undefined if no place is free */
  take(): Place | undefined {
    for (let index = 0; index < this.#places; index++) {
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      return { offset: index * this.#size, release: () => this.#release(index) };
    }
    return undefined;
  }

  /** @throws CryfoldError SPOOL_FAILED, for example on a full disk */
  async write(chunk: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < chunk.length; ) {
        done += (await this.#file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
      }
    } catch (cause) {
      throw failed(cause);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#file.close();
  }

  #release(index: number): void {
    this.#taken.delete(index);
    // Frees the disk space once all places are free, synchronously, so that the next request cannot be truncated.
    if (this.#taken.size > 0 || this.#closed) return;
    try {
      ftruncateSync(this.#file.fd);
    } catch {
      // A failure does no harm, because the next request overwrites the bytes anyway.
    }
  }
}

const failed = (cause: unknown) =>
  new CryfoldError('SPOOL_FAILED', `the upload cannot be written to disk: ${(cause as Error).message}`, {
    cause,
    hint: 'Free space in the temporary folder of the service, or set TMPDIR to a larger one.',
  });
