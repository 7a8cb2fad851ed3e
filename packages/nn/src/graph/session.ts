import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asOutOfMemory, CryfoldError } from '@cryfold/core';
import { withTemporaryFolder } from '../temporary-folder.js';
import type { Tensor, TensorFlow, TFSavedModel } from '../tensorflow.js';
import type { Graph, Value } from './graph.js';
import { encodeSavedModel, type Signatures } from './saved-model.js';

/** Data for an input: its elements in C order, and its shape unless it is a vector. */
export interface Feed {
  data: Float32Array | Int32Array | Uint8Array;
  shape?: readonly number[];
}

/**
 * A graph loaded into TensorFlow. All signatures run in one TensorFlow session, so they share its variables: tfjs-node
 * loads a path only once and counts the signatures that use it.
 */
export class Session {
  readonly #tf: TensorFlow;
  readonly #signatures: Signatures;
  readonly #loaded = new Map<string, TFSavedModel>();

  private constructor(tf: TensorFlow, signatures: Signatures) {
    this.#tf = tf;
    this.#signatures = signatures;
  }

  /**
   * Writes the graph as a SavedModel into a private temporary directory and loads all of its signatures. tfjs-node
   * parses the file for every signature, although only the first one creates the session. The other signatures
   * therefore get a file without nodes, which halves the time for ResNet50.
   */
  static async load(tf: TensorFlow, graph: Graph, signatures: Signatures): Promise<Session> {
    const session = new Session(tf, signatures);
    try {
      await withTemporaryFolder('graph', async (folder) => {
        const file = join(folder, 'saved_model.pb');
        await mkdir(join(folder, 'variables'));
        await writeFile(file, encodeSavedModel(tf.protobuf, graph.nodes, signatures));
        for (const [index, name] of Object.keys(signatures).entries()) {
          session.#loaded.set(name, await tf.node.loadSavedModel(folder, ['serve'], name));
          if (index === 0) await writeFile(file, encodeSavedModel(tf.protobuf, [], signatures));
        }
      });
    } catch (error) {
      session.dispose();
      return unwritable(error);
    }
    return session;
  }

  /**
   * Runs a signature once, synchronously.
   * @param inputs every input of the signature; numbers stand for scalars
   * @param outputs names of outputs to copy; default: all
   * @throws CryfoldError OUT_OF_MEMORY
   */
  run<Name extends string>(
    signature: string,
    inputs: Readonly<Record<string, Feed | number>>,
    outputs?: readonly Name[],
  ): Record<Name, Float32Array> {
    const tf = this.#tf;
    const model = this.#loaded.get(signature);
    if (!model) throw new Error(`signature ${signature} does not exist, or the session was disposed`);
    const expected = this.#signatures[signature].inputs;
    const tensors: Record<string, Tensor> = {};
    let results: Record<string, Tensor> = {};
    try {
      for (const [name, feed] of Object.entries(inputs)) tensors[name] = this.#tensor(expected[name], feed);
      results = model.predict(tensors) as Record<string, Tensor>;
      const wanted = outputs ?? (Object.keys(results) as Name[]);
      return Object.fromEntries(wanted.map((name) => [name, results[name].dataSync()])) as Record<Name, Float32Array>;
    } catch (error) {
      throw asOutOfMemory(error) ?? error;
    } finally {
      tf.dispose(tensors);
      tf.dispose(results);
    }
  }

  /** Closes the TensorFlow session and frees its variables. */
  dispose(): void {
    for (const model of this.#loaded.values()) model.dispose();
    this.#loaded.clear();
  }

  #tensor(value: Value, feed: Feed | number): Tensor {
    const dtype = value.dtype === 'float32' ? 'float32' : 'int32';
    if (typeof feed === 'number') return this.#tf.tensor([feed], [], dtype);
    const { data, shape = [data.length] } = feed;
    return this.#tf.tensor(data, [...shape], dtype);
  }
}

/** Throws an error that explains a file system problem, such as a full disk; rethrows any other cause. */
function unwritable(cause: unknown): never {
  if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
  throw new CryfoldError('CHILD_DIED', `the temporary folder cannot be written: ${cause.message}`, {
    cause,
    hint: 'Free some space, or set TMPDIR to a folder with a few hundred MB of free space.',
  });
}
