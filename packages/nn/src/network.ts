import { CryfoldError, deriveSeed, Random } from '@cryfold/core';
import { type CompiledModel, type CompileOptions, compileExtractor, compileModel, type Precision } from './compile.js';
import type { Weight } from './forward.js';
import { elementCount, type Value } from './graph/graph.js';
import { type Feed, Session } from './graph/session.js';
import type { Model } from './models/model.js';
import type { TensorFlow } from './tensorflow.js';

/** A weight by name, `layer/weight`. */
export interface WeightData {
  shape: readonly number[];
  data: Float32Array;
}

export type WeightMap = ReadonlyMap<string, WeightData>;

/** Results of one training step on a batch. */
export interface StepResult {
  /** The mean loss. */
  loss: number;
  /** Number of examples that were classified correctly before the update. */
  hits: number;
  /** For float16: the factor by which the loss was scaled. If a gradient overflowed, the step changed no weight. */
  scale?: number;
}

/** Results of one pass over a batch in inference mode. */
export interface EvaluationResult {
  /** The sum of the examples' losses. */
  loss: number;
  hits: number;
  /** [b, classes] */
  logits: Float32Array;
  /** [b, classes]; rows sum to 1 */
  probabilities: Float32Array;
}

interface TrainingInputs {
  /** [classes]; default: all 1 */
  classWeights?: Float32Array;
  /** With an augmentation: the output of `drawAugmentation` */
  augmentation?: Readonly<Record<string, Feed>>;
}

export interface StepOptions extends TrainingInputs {
  learningRate: number;
  /** Any integer; only its low 32 bits matter. */
  seed: number;
  /** Momentum of the moving statistics; Keras's default is 0.99. */
  momentum?: number;
}

/**
 * A compiled model with its state: weights, moving statistics, the optimiser's moments, and the examples on which it
 * trains.
 */
export class Network {
  readonly #compiled: CompiledModel;
  readonly #session: Session;
  readonly #uniform: Float32Array;

  private constructor(compiled: CompiledModel, session: Session, classes: number) {
    this.#compiled = compiled;
    this.#session = session;
    this.#uniform = new Float32Array(classes).fill(1);
  }

  /** Names and shapes of all weights and moving statistics, in the order of the layers. */
  get weights(): readonly { name: string; shape: readonly number[] }[] {
    return namesAndShapes(this.#compiled);
  }

  /** Compiles a model and loads its graph. Before the first step, call `initialize` or `restore`, and `feed`. */
  static async load(tf: TensorFlow, model: Model, classes: number, options: CompileOptions): Promise<Network> {
    const compiled = compileModel(model, classes, options);
    return new Network(compiled, await Session.load(tf, compiled.graph, compiled.signatures), classes);
  }

  /**
   * Sets every weight: from `given` if it contains the weight's name, otherwise with the weight's initialiser. Each
   * weight has a separate generator, so that its values depend only on the seed and its name. Resets the optimiser.
   * @throws CryfoldError WEIGHTS_INVALID if a given weight has another shape
   */
  initialize(seed: number, given: WeightMap = new Map()): void {
    this.#session.run('init', initialValues(this.#compiled.weights, seed, given));
  }

  /**
   * Replaces the examples to which `step` and `evaluate` refer by index.
   * @param examples images: bytes [n, height, width, channels]; feature vectors: float32 [n, length]
   * @param labels [n], 0 <= label < classes
   * @param vectors for a network that reads vectors in addition to images: float32 [n, length]
   */
  feed(examples: Uint8Array | Float32Array, labels: Int32Array, vectors?: Float32Array): void {
    const { inputShape } = this.#compiled;
    if (examples.length !== labels.length * elementCount(inputShape)) {
      throw new RangeError(`${examples.length} values do not form ${labels.length} examples of [${inputShape}]`);
    }
    const input =
      examples instanceof Uint8Array
        ? { data: packBytes(examples) }
        : { data: examples, shape: [labels.length, ...inputShape] };
    this.#session.run('feed', {
      ...{ examples: input, labels: { data: labels } },
      ...(vectors && { vectors: { data: vectors, shape: [labels.length, vectors.length / labels.length] } }),
    });
  }

  /** Trains on one batch. */
  step(indices: Int32Array, options: StepOptions): StepResult {
    const { learningRate, seed, momentum = 0.99 } = options;
    const inputs = { ...this.#trainingInputs(indices, seed, options), learningRate, momentum };
    const { loss, hits, scale } = this.#session.run('step', inputs);
    return { loss: loss[0], hits: hits[0], ...(scale && { scale: scale[0] }) };
  }

  /**
   * Computes loss and logits of one batch in training mode, and the gradient of the loss for each trained weight.
   * Changes nothing.
   */
  gradients(indices: Int32Array, seed = 0, options: TrainingInputs = {}): Record<string, Float32Array> {
    return this.#session.run('gradients', this.#trainingInputs(indices, seed, options));
  }

  /** Returns the examples on which a step with an augmentation would train: float32 [b, ...]. */
  augmented(indices: Int32Array, seed: number, augmentation: Readonly<Record<string, Feed>>): Float32Array {
    return this.#session.run('augmented', this.#trainingInputs(indices, seed, { augmentation })).examples;
  }

  #trainingInputs(indices: Int32Array, seed: number, options: TrainingInputs): Record<string, Feed | number> {
    const { classWeights = this.#uniform, augmentation } = options;
    return { indices: { data: indices }, seed: seed | 0, classWeights: { data: classWeights }, ...augmentation };
  }

  evaluate(indices: Int32Array): EvaluationResult {
    const { loss, hits, logits, probabilities } = this.#session.run('evaluate', { indices: { data: indices } });
    return { loss: loss[0], hits: hits[0], logits, probabilities };
  }

  /** Returns probabilities [b, classes] for examples that are passed directly, without `feed`. */
  predict(examples: Uint8Array | Float32Array): Float32Array {
    const { inputShape } = this.#compiled;
    const shape = [examples.length / elementCount(inputShape), ...inputShape];
    return this.#session.run('predict', { examples: { data: examples, shape } }).probabilities;
  }

  /** Returns all weights and moving statistics. */
  read(): WeightMap {
    return this.#values('read');
  }

  /** Returns the weights and the optimiser's state. Pass them to `restore` to continue from exactly this point. */
  save(): WeightMap {
    return this.#values('save');
  }

  /** @throws CryfoldError ARTIFACT_CORRUPT if a part of the state is missing or has another shape */
  restore(state: WeightMap): void {
    const inputs = Object.entries(this.#compiled.signatures.restore.inputs).map(([name, { shape }]) => {
      const saved = state.get(name);
      if (saved?.shape.join() !== shape.join()) {
        throw new CryfoldError('ARTIFACT_CORRUPT', `the saved state has no ${name} of shape [${shape}]`, {
          context: { weight: name },
          hint: 'Delete the checkpoint and train the network again.',
        });
      }
      return [name, saved];
    });
    this.#session.run('restore', Object.fromEntries(inputs));
  }

  #values(signature: 'read' | 'save'): WeightMap {
    const values = this.#session.run(signature, {});
    const outputs = Object.entries(this.#compiled.signatures[signature].outputs);
    return new Map(outputs.map(([name, { shape }]) => [name, { shape: shape as number[], data: values[name] }]));
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/** A model that computes features in inference mode and is never trained. */
export class FeatureExtractor {
  readonly #compiled: CompiledModel;
  readonly #session: Session;

  private constructor(compiled: CompiledModel, session: Session) {
    this.#compiled = compiled;
    this.#session = session;
  }

  /** @param result computes a value that replaces the output of the last layer */
  static async load(
    tf: TensorFlow,
    model: Model,
    precision?: Precision,
    result?: (output: Value) => Value,
  ): Promise<FeatureExtractor> {
    const compiled = compileExtractor(model, precision, result);
    return new FeatureExtractor(compiled, await Session.load(tf, compiled.graph, compiled.signatures));
  }

  /** Names and shapes of all weights, in the order of the layers. */
  get weights(): readonly { name: string; shape: readonly number[] }[] {
    return namesAndShapes(this.#compiled);
  }

  /** Like `Network.initialize`. */
  initialize(seed: number, given: WeightMap = new Map()): void {
    this.#session.run('init', initialValues(this.#compiled.weights, seed, given));
  }

  /** Returns the output of the last layer for a batch: examples [b, ...] to float32 [b, length]. */
  extract(examples: Uint8Array | Float32Array): Float32Array {
    const { inputShape } = this.#compiled;
    const shape = [examples.length / elementCount(inputShape), ...inputShape];
    return this.#session.run('extract', { examples: { data: examples, shape } }).features;
  }

  dispose(): void {
    this.#session.dispose();
  }
}

function namesAndShapes({ weights }: CompiledModel) {
  return weights.map(({ variable: { name }, shape }) => ({ name, shape }));
}

/** Returns the initial values of weights for `initialize`. */
export function initialValues(weights: readonly Weight[], seed: number, given: WeightMap): Record<string, WeightData> {
  const values = weights.map(({ variable: { name }, shape, initializer }) => {
    const known = given.get(name);
    if (!known) return [name, { shape, data: initializer(shape, new Random(deriveSeed(seed, 'weight', name))) }];
    if (known.data.length !== elementCount(shape) || known.shape.join() !== shape.join()) {
      throw new CryfoldError('WEIGHTS_INVALID', `${name} has shape [${known.shape}], but the model needs [${shape}]`, {
        context: { weight: name },
        hint: 'Use weights from a network with the same architecture.',
      });
    }
    return [name, known];
  });
  return Object.fromEntries(values);
}

/** Packs bytes into int32 values, four per value, padded with zeros. */
function packBytes(bytes: Uint8Array): Int32Array {
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0) {
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return new Int32Array(padded.buffer);
}
