import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CryfoldError, deriveSeed, encodeNpy, Random, sha256 } from '@cryfold/core';
import { type EngineContext, type FeatureArray, type Fold, type Matrix, readArtifact } from '../engine.js';
import { decodeOutput } from './output.js';
import { type Command, commandFileKey } from './parameters.js';

/** Version of what the folder holds; a program may check it. */
const PROTOCOL = 1;

/** What a fold's program finds in its folder besides arrays: `fold.json`. */
interface FoldDescription {
  protocol: typeof PROTOCOL;
  classes: readonly string[];
  parameters: Command['parameters'];
  seed: number;
  threads: number;
  /** Rows of the arrays */
  train: number;
  test: number;
  /** Shape of one row of the features */
  shape: readonly number[];
  /** File that the program must write: [test, classes] */
  output: string;
}

/** The folder in which a command trains one fold: it gets what it may know, and nothing about the test clips' labels. */
export class FoldFolder {
  /** Position in the fold's test clips of each row that the program sees */
  readonly #order: Int32Array;

  constructor(
    readonly path: string,
    private readonly fold: Fold<Command>,
    private readonly context: Pick<EngineContext, 'data' | 'artifacts'>,
  ) {
    this.#order = shuffled(fold.test.length, deriveSeed(fold.seed, 'order of test rows'));
  }

  get #outputFile(): string {
    return `${this.fold.parameters.output}.npy`;
  }

  /** Writes the arrays, `fold.json` and the files of the command. @throws CryfoldError ARTIFACT_MISSING, ARTIFACT_CORRUPT */
  async write(threads: number): Promise<void> {
    const { fold, context } = this;
    const { train, test, labels, parameters, seed } = fold;
    const { classes, groups } = context.data;
    const features = await context.data.features();
    const codes = new Map([...new Set(Array.from(train, (clip) => groups[clip]))].map((group, code) => [group, code]));
    // Clips are often in the order of their classes, so that the order of the test rows would say what they are.
    const hidden = this.#order.map((position) => test[position]);
    const description: FoldDescription = {
      ...{ protocol: PROTOCOL, classes, parameters: parameters.parameters, seed, threads },
      ...{ train: train.length, test: test.length, shape: features.shape.slice(1), output: this.#outputFile },
    };
    await Promise.all([
      ...Object.entries(filesOf(parameters)).map((file) => this.#writeFile(file)),
      this.#writeRows('train-features.npy', features, train),
      this.#writeRows('test-features.npy', features, hidden),
      this.#writeNumbers(
        'train-labels.npy',
        train.map((clip) => labels[clip]),
      ),
      this.#writeNumbers(
        'train-groups.npy',
        train.map((clip) => codes.get(groups[clip]) ?? -1),
      ),
      writeFile(join(this.path, 'fold.json'), `${JSON.stringify(description, null, 2)}\n`),
    ]);
  }

  /** @throws CryfoldError COMMAND_OUTPUT_INVALID */
  async read(): Promise<{ probabilities: Matrix; decisions?: Matrix }> {
    const { fold, context } = this;
    const path = join(this.path, this.#outputFile);
    const size = { rows: fold.test.length, columns: context.data.classes.length };
    // Twice what float64 needs is no array of this shape.
    const bytes = await readBounded(path, 2 ** 16 + 16 * size.rows * size.columns);
    const given = decodeOutput(bytes, { ...size, kind: fold.parameters.output, name: this.#outputFile });
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

  async #writeFile([name, hash]: [string, string]): Promise<void> {
    const bytes = await readArtifact(this.context.artifacts, commandFileKey(hash));
    if (sha256(bytes) !== hash) {
      throw new CryfoldError('ARTIFACT_CORRUPT', `${commandFileKey(hash)}: the bytes of ${name} have another hash`, {
        context: { key: commandFileKey(hash) },
        hint: 'Run the same command again: the file is stored again.',
      });
    }
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { mode: 0o755 });
  }

  async #writeRows(file: string, { data, shape }: FeatureArray, clips: Int32Array): Promise<void> {
    const length = data.length / shape[0];
    const rows =
      data instanceof Uint8Array ? new Uint8Array(clips.length * length) : new Float32Array(clips.length * length);
    clips.forEach((clip, row) => {
      rows.set(data.subarray(clip * length, (clip + 1) * length), row * length);
    });
    await writeFile(join(this.path, file), encodeNpy(rows, [clips.length, ...shape.slice(1)]));
  }

  async #writeNumbers(file: string, values: Int32Array): Promise<void> {
    await writeFile(join(this.path, file), encodeNpy(values, [values.length]));
  }
}

/** The hash of each file, as preparing the run has found it. */
function filesOf({ files }: Command): Record<string, string> {
  if (!Array.isArray(files)) return files;
  if (files.length === 0) return {};
  throw new CryfoldError('JOB_INVALID', 'the plan names files of a command without their hashes', {
    hint: 'Submit the run again.',
  });
}

async function readBounded(path: string, limit: number): Promise<Uint8Array | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  return found.size <= limit ? readFile(path) : new Uint8Array();
}

/** 0 to count - 1 in an order that the seed decides. */
function shuffled(count: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  new Random(seed).shuffle(order);
  return order;
}
