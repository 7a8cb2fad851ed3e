import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CryfoldError, deriveSeed, encodeNpy, Random, sha256 } from '@cryfold/core';
import { type EngineContext, type Fold, type Matrix, readArtifact } from '../engine.js';
import type { DecodedOutput } from './output.js';
import { type Command, commandFileKey, TRAINED } from './parameters.js';
import { outputFile, readOutput, writeDescription, writeFiles, writeRows } from './work-folder.js';

/**
 * Writes the input for the programs that are run for one fold, without the labels of test clips. Either one program
 * trains and predicts, or one program trains and another one predicts, each in its own folder.
 */
export class FoldFolder {
  /** For each test row in the order in which a program gets them, its position among the fold's test clips */
  readonly #order: Int32Array;
  #files: Promise<ReadonlyMap<string, Uint8Array>> | undefined;

  constructor(
    private readonly fold: Fold<Command>,
    private readonly context: Pick<EngineContext, 'data' | 'artifacts'>,
    private readonly threads: number,
  ) {
    this.#order = shuffled(fold.test.length, deriveSeed(fold.seed, 'order of test rows'));
  }

  /** Bytes of the command's own files. @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT */
  files(): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#files ??= this.#readFiles();
    return this.#files;
  }

  /**
   * Writes the input of `run`: the training rows and, unless another program predicts, the test rows.
   * @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT
   */
  async writeTraining(folder: string): Promise<void> {
    const { train, labels, parameters } = this.fold;
    const { groups } = this.context.data;
    const features = await this.context.data.features();
    const codes = new Map([...new Set(Array.from(train, (clip) => groups[clip]))].map((group, code) => [group, code]));
    const numbers = (file: string, values: Int32Array) =>
      writeFile(join(folder, file), encodeNpy(values, [values.length]));
    await this.#begin(folder);
    if (parameters.predict) await mkdir(join(folder, TRAINED));
    else await this.#writeTestRows(folder);
    await writeRows(join(folder, 'train-features.npy'), features, train);
    const own = train.map((clip) => labels[clip]);
    await numbers('train-labels.npy', own);
    const groupCodes = train.map((clip) => codes.get(groups[clip]) ?? -1);
    await numbers('train-groups.npy', groupCodes);
    await this.#describe(folder, {
      train: train.length,
      ...(parameters.predict ? { model: TRAINED } : this.#predicted()),
    });
  }

  /**
   * Writes the input of `predict`, except for the trained files.
   * @throws any error that `writeTraining` throws
   */
  async writePrediction(folder: string): Promise<void> {
    await this.#begin(folder);
    await this.#writeTestRows(folder);
    await this.#describe(folder, { ...this.#predicted(), model: TRAINED });
  }

  /** @throws CryfoldError COMMAND_OUTPUT_INVALID */
  async read(folder: string): Promise<DecodedOutput> {
    const { fold, context } = this;
    const size = { rows: fold.test.length, columns: context.data.classes.length };
    const given = await readOutput(folder, fold.parameters.output, size);
    const inOrder = ({ rows, columns, data }: Matrix): Matrix => {
      const sorted = new Float64Array(data.length);
      this.#order.forEach((position, row) => {
        sorted.set(data.subarray(row * columns, (row + 1) * columns), position * columns);
      });
      return { rows, columns, data: sorted };
    };
    return {
      probabilities: inOrder(given.probabilities),
      ...(given.decisions && { decisions: inOrder(given.decisions) }),
    };
  }

  #predicted() {
    return { test: this.fold.test.length, output: outputFile(this.fold.parameters.output) };
  }

  async #begin(folder: string): Promise<void> {
    await mkdir(folder);
    await writeFiles(folder, await this.files());
  }

  async #describe(folder: string, own: Partial<Parameters<typeof writeDescription>[1]>): Promise<void> {
    const { classes, features } = this.context.data;
    const { parameters, seed } = this.fold;
    const shape = (await features()).shape.slice(1);
    const shared = { classes, parameters: parameters.parameters, seed, threads: this.threads, shape };
    await writeDescription(folder, { ...shared, ...own });
  }

  async #writeTestRows(folder: string): Promise<void> {
    // Clips are often sorted by class, so keeping the order of the test rows would reveal their classes.
    const hidden = this.#order.map((position) => this.fold.test[position]);
    await writeRows(join(folder, 'test-features.npy'), await this.context.data.features(), hidden);
  }

  async #readFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>();
    for (const [name, hash] of Object.entries(hashesOf(this.fold.parameters))) {
      const key = commandFileKey(hash);
      const bytes = await readArtifact(this.context.artifacts, key);
      if (sha256(bytes) !== hash) {
        throw new CryfoldError('ARTIFACT_CORRUPT', `${key}: the bytes of ${name} have a different hash`, {
          context: { key },
          hint: 'Run the same command again; it will store a new copy of the file.',
        });
      }
      files.set(name, bytes);
    }
    return files;
  }
}

/** The hash of each file, as computed when the run was prepared. */
function hashesOf({ files }: Command): Record<string, string> {
  if (!Array.isArray(files)) return files;
  if (files.length === 0) return {};
  throw new CryfoldError('JOB_INVALID', 'the plan lists files of a command without their hashes', {
    hint: 'Submit the run again.',
  });
}

/** Returns the numbers 0 to count - 1 in an order determined by the seed. */
function shuffled(count: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  new Random(seed).shuffle(order);
  return order;
}
