import { augmentBatch, lossesOf } from './augment/augment-batch.js';
import type { AugmentationSteps } from './augment/augmentation.js';
import { type Forward, forward, type Weight, Weights } from './forward.js';
import { gradients } from './graph/gradients.js';
import { elementCount, Graph, type GraphNode, type Shape, type Value, type Variable } from './graph/graph.js';
import type { Signature, Signatures } from './graph/saved-model.js';
import type { Model } from './models/model.js';
import { LOGITS } from './models/output.js';
import { plus, subtract } from './ops/arithmetic.js';
import { bytesOf, fill, firstElements } from './ops/bytes.js';
import { cast } from './ops/cast.js';
import { gather, gatherVariable } from './ops/gather.js';
import { hitCount } from './ops/hits.js';
import { identity } from './ops/identity.js';
import { sumOf, vectorMean } from './ops/mean.js';
import { multiply } from './ops/multiply.js';
import { reshape } from './ops/reshape.js';
import { sizeOf } from './ops/shape.js';
import { LossScale } from './optimizers/loss-scale.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** Types in which layers can compute. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

export interface CompileOptions {
  optimizer: Optimizer;
  /**
   * Type in which layers compute; weights, statistics, loss and optimiser are always float32. float16 scales the loss.
   */
  precision?: Precision;
  /** Which layers are trained. A frozen layer keeps its weights and runs in inference mode. Default: all layers. */
  trained?: (layer: string) => boolean;
  /** How the examples of a training step are changed; if absent, they are not changed. */
  augment?: AugmentationSteps;
}

/**
 * A model as one TensorFlow graph with the following signatures (tensors by name; n examples are loaded, and a batch
 * has b of them):
 * - `feed` {examples: pixels packed into int32, or features float32 [n, length]; labels int32 [n]; for a model with a
 * second input also vectors float32 [n, length]}: the examples that indices refer to
 * - `init` {weights}: sets the weights, and resets the optimiser's state
 * - `step` {indices int32 [b], learningRate, seed int32, momentum, classWeights [classes]; with an augmentation also
 * the output of `drawAugmentation`} -> {loss, hits; for float16 also scale}
 * - `gradients` {as step, without learningRate and momentum} -> {loss, logits, one gradient per trained weight}
 * - `augmented`, only with an augmentation: {as gradients} -> {examples: the examples on which a step would train}
 * - `evaluate` {indices} -> {loss: the sum over the batch, hits, logits and probabilities [b, classes]}
 * - `predict` {examples, for a model with a second input also vectors} -> {probabilities}
 * - `read` -> {weights}; `save` -> {weights, optimiser's state}; `restore` {output of save}
 */
export interface CompiledModel {
  graph: Graph;
  signatures: Signatures;
  /** Listed in the order in which layers use them. */
  weights: readonly Weight[];
  inputShape: readonly number[];
}

/**
 * Compiles a model into its training graph.
 * @param classes number of logits of the last layer
 */
export function compileModel(model: Model, classes: number, options: CompileOptions): CompiledModel {
  const { optimizer, precision = 'float32', trained = () => true, augment } = options;
  const output = model.output ?? LOGITS;
  const graph = new Graph();
  const weights = new Weights(graph, trained);
  const batch = declareBatch(graph, model, classes);
  const { indices, seed, classWeights, labels, vectors } = batch;
  const changed = augment && graph.scope('augment', () => augmentBatch(batch, augment));
  const { input: seen, vectors: seenVectors } = changed ?? batch;
  const training = graph.scope('training', () =>
    forward(model.layers, seen, weights, { training: true, precision, seed, vectors: seenVectors }),
  );
  const inference = graph.scope('inference', () =>
    forward(model.layers, batch.input, weights, { training: false, precision, vectors }),
  );
  const logits = cast(training.output, 'float32');
  if (logits.shape.length !== 2 || logits.shape[1] !== classes) {
    throw new Error(`model ${model.name} has outputs of shape [${logits.shape.join(', ')}], not ${classes} logits`);
  }
  const against = (of: Value) => multiply(output.loss(logits, of), gather(classWeights, of));
  const loss = vectorMean(lossesOf(against, labels, changed?.mixed));
  const trainable = weights.all().filter((weight) => weight.trainable);
  const targets = trainable.map(({ variable }) => graph.read(variable));
  const scaling =
    precision === 'float16' ? new LossScale(graph, (scale) => gradients(multiply(loss, scale), targets)) : undefined;
  const slopes = scaling?.gradients ?? gradients(loss, targets);
  const step = optimizerStep(graph, optimizer, { trainable, slopes, tracked: training.tracked, scaling });

  const finalLogits = cast(inference.output, 'float32');
  const probabilities = output.probabilities(finalLogits);
  const stepInputs = { indices, seed, classWeights, ...changed?.inputs };
  const signatures: Signatures = {
    feed: batch.feed,
    step: {
      inputs: { ...stepInputs, ...step.inputs },
      outputs: {
        loss: identity(loss, 'step/loss', step.done),
        hits: identity(hitCount(logits, labels), 'step/hits', step.done),
        ...(scaling && { scale: identity(scaling.scale, 'step/scale', step.done) }),
      },
    },
    gradients: {
      inputs: stepInputs,
      outputs: { loss, logits, ...Object.fromEntries(trainable.map(({ variable }, i) => [variable.name, slopes[i]])) },
    },
    ...(changed && { augmented: { inputs: stepInputs, outputs: { examples: identity(changed.input, 'augmented') } } }),
    evaluate: {
      inputs: { indices },
      outputs: {
        loss: sumOf(output.loss(finalLogits, labels)),
        hits: hitCount(finalLogits, labels),
        logits: finalLogits,
        probabilities,
      },
    },
    predict: { inputs: { examples: batch.examples, ...(vectors && { vectors }) }, outputs: { probabilities } },
    ...stateSignatures(
      graph,
      weights.all().map(({ variable }) => variable),
      step.state,
    ),
  };
  return { graph, signatures, weights: weights.all(), inputShape: model.inputShape };
}

/** Some of the loaded examples, selected by index, and the other inputs of a training step on these examples. */
interface Batch {
  /** Loads examples and labels into the session. */
  feed: Signature;
  /** int32 [b] */
  indices: Value;
  /** [b, ...inputShape], as loaded in the session */
  examples: Value;
  /** The examples in float32 */
  input: Value;
  /** float32 [b, length], for a model with a second input */
  vectors: Value | undefined;
  /** int32 [b] */
  labels: Value;
  /** int32 scalar */
  seed: Value;
  /** float32 [classes] */
  classWeights: Value;
}

function declareBatch(graph: Graph, model: Pick<Model, 'inputShape' | 'vectors'>, classes: number): Batch {
  const data = declareData(graph, model);
  const indices = graph.placeholder('indices', 'int32', [null]);
  const examples = gatherVariable(data.examples, indices);
  const input = cast(examples, 'float32');
  const labels = gatherVariable(data.labels, indices);
  const seed = graph.placeholder('seed', 'int32', []);
  const classWeights = graph.placeholder('classWeights', 'float32', [classes]);
  const vectors = data.vectors && gatherVariable(data.vectors, indices);
  return { feed: data.feed, indices, examples, input, vectors, labels, seed, classWeights };
}

/** Results of a training step: the new values of weights and moving statistics. */
interface Changes {
  trainable: readonly Weight[];
  /** Gradients of the loss, one per trainable weight, unscaled */
  slopes: readonly Value[];
  /** Target values of moving statistics */
  tracked: Forward['tracked'];
  /**
   * Undefined unless the loss is scaled. If the loss is scaled, a step whose gradients overflow must not change
   * anything.
   */
  scaling: LossScale | undefined;
}

interface OptimizerStep {
  /** float32 scalars */
  inputs: { learningRate: Value; momentum: Value };
  /** The variables that the optimiser keeps between steps */
  state: readonly Variable[];
  /** Nodes that complete a step */
  done: readonly GraphNode[];
}

/** Updates weights by the rule of the optimiser, and moving statistics by `momentum`. */
function optimizerStep(graph: Graph, optimizer: Optimizer, changes: Changes): OptimizerStep {
  const { trainable, slopes, tracked, scaling } = changes;
  const applied = (value: Value) => scaling?.guard(value) ?? value;
  const learningRate = graph.placeholder('learningRate', 'float32', []);
  const momentum = graph.placeholder('momentum', 'float32', []);
  const iterations = graph.variable('optimizer/iterations', 'float32', []);
  const iteration = plus(graph.read(iterations), graph.constant(1));
  const update = optimizer.prepare({ graph, learningRate, iteration });
  const slots: Variable[] = [];
  const updates: GraphNode[] = trainable.map(({ variable, shape }, i) => {
    const own = optimizer.slots.map((slot) => graph.variable(`optimizer/${variable.name}/${slot}`, 'float32', shape));
    slots.push(...own);
    return update(variable, applied(slopes[i]), own);
  });
  updates.push(graph.assign(iterations, applied(iteration)));
  const rest = subtract(graph.constant(1), momentum);
  for (const { variable, value } of tracked) {
    const change = multiply(subtract(graph.read(variable), value), rest);
    updates.push(
      graph.node('AssignSubVariableOp', {
        name: `${variable.name}/track`,
        inputs: [variable.handle, applied(change)],
        attrs: { dtype: { type: variable.dtype } },
      }),
    );
  }
  return {
    inputs: { learningRate, momentum },
    state: [...slots, iterations, ...(scaling?.variables ?? [])],
    done: scaling ? scaling.finish(updates) : updates,
  };
}

/**
 * A model for inference only: signatures `init` {weights}, `extract` {examples: uint8 or float32 [b, ...]} ->
 * {features: the output of the last layer in float32, or what `result` computes from it}.
 */
export function compileExtractor(
  model: Model,
  precision: Precision = 'float32',
  result: (output: Value) => Value = (output) => output,
): CompiledModel {
  const graph = new Graph();
  const weights = new Weights(graph, () => false);
  const dtype = model.inputShape.length === 3 ? 'uint8' : 'float32';
  const examples = graph.placeholder('examples', dtype, [null, ...model.inputShape]);
  const { output } = forward(model.layers, cast(examples, 'float32'), weights, { training: false, precision });
  const { init } = stateSignatures(
    graph,
    weights.all().map(({ variable }) => variable),
    [],
  );
  const extract = { inputs: { examples }, outputs: { features: result(cast(output, 'float32')) } };
  return { graph, signatures: { init, extract }, weights: weights.all(), inputShape: model.inputShape };
}

/**
 * Creates the signatures `init`, `read`, `save` and `restore`, for the weights alone or for the weights and the
 * optimiser's state.
 */
function stateSignatures(graph: Graph, parameters: readonly Variable[], optimizer: readonly Variable[]): Signatures {
  const state = [...parameters, ...optimizer];
  const inputs = new Map(
    state.map((variable) => [variable, graph.placeholder(`value/${variable.name}`, variable.dtype, variable.shape)]),
  );
  const named = (variables: readonly Variable[], value: (variable: Variable) => Value) =>
    Object.fromEntries(variables.map((variable) => [variable.name, value(variable)]));
  const given = (variable: Variable) => inputs.get(variable) as Value;
  const assigns = state.map((variable) => graph.assign(variable, given(variable)));
  const zeros = optimizer.map((variable) => graph.assign(variable, fill(graph, variable.shape as number[], 0)));
  const done = (name: string, after: readonly GraphNode[]) => identity(graph.constant(1), name, after);
  return {
    init: {
      inputs: named(parameters, given),
      outputs: { done: done('init/done', [...assigns.slice(0, parameters.length), ...zeros]) },
    },
    restore: { inputs: named(state, given), outputs: { done: done('restore/done', assigns) } },
    read: { inputs: {}, outputs: named(parameters, (variable) => graph.read(variable)) },
    save: { inputs: {}, outputs: named(state, (variable) => graph.read(variable)) },
  };
}

/** Declares the loaded examples and labels, and the signature that loads them. */
function declareData(
  graph: Graph,
  { inputShape, vectors: columns }: Pick<Model, 'inputShape' | 'vectors'>,
): { examples: Variable; labels: Variable; vectors: Variable | undefined; feed: Signature } {
  const shape: Shape = [null, ...inputShape];
  const image = inputShape.length === 3;
  const examples = graph.variable('data/examples', image ? 'uint8' : 'float32', shape);
  const labels = graph.variable('data/labels', 'int32', [null]);
  const labelInput = graph.placeholder('data/labelInput', 'int32', [null]);
  // tfjs has no uint8 tensors, so four pixels are packed into one int32. Padding at the end is removed here.
  const input = graph.placeholder('data/input', image ? 'int32' : 'float32', image ? [null] : shape);
  const length = multiply(sizeOf(labelInput), graph.constant(elementCount(inputShape), 'int32'));
  const content = image ? reshape(firstElements(bytesOf(input), length), shape) : input;
  const own = { examples: input, labels: labelInput };
  const assigns = [graph.assign(examples, content), graph.assign(labels, labelInput)];
  const finish = (after: readonly GraphNode[]) => ({ done: identity(graph.constant(1), 'data/done', after) });
  if (columns === undefined) {
    return { examples, labels, vectors: undefined, feed: { inputs: own, outputs: finish(assigns) } };
  }
  const vectors = graph.variable('data/vectors', 'float32', [null, columns]);
  const given = graph.placeholder('data/vectorInput', 'float32', [null, columns]);
  const outputs = finish([...assigns, graph.assign(vectors, given)]);
  return { examples, labels, vectors, feed: { inputs: { ...own, vectors: given }, outputs } };
}
