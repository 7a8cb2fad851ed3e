import { type DType, Graph, type Value, type Variable } from './graph/graph.js';
import type { Initializer, Layer, LayerContext } from './layers/layer.js';
import { VECTORS } from './models/model.js';
import { cast } from './ops/cast.js';
import { pack } from './ops/dropout.js';

/** A weight of a model: `layer/name`, as Keras names it. */
export interface Weight {
  variable: Variable;
  shape: readonly number[];
  initializer: Initializer;
  /** Whether an optimiser updates it: false for moving statistics, and for the weights of frozen layers. */
  trainable: boolean;
}

/** A layer's declaration of a weight. */
interface Declaration {
  shape: readonly number[];
  initializer: Initializer;
  /** False for moving statistics, which optimisers do not update. */
  trainable: boolean;
}

/** The weights of a model, in the order in which its layers declare them. */
export class Weights {
  readonly #all = new Map<string, Weight>();

  constructor(
    readonly graph: Graph,
    /** Whether a layer's weights are trained at all. */
    readonly trained: (layer: string) => boolean,
  ) {}

  all(): readonly Weight[] {
    return [...this.#all.values()];
  }

  /** Returns the weight with this name, which is declared at first use. */
  get(layer: string, name: string, { shape, initializer, trainable }: Declaration): Weight {
    const key = `${layer}/${name}`;
    let weight = this.#all.get(key);
    if (!weight) {
      const variable = this.graph.variable(key, 'float32', shape);
      weight = { variable, shape, initializer, trainable: trainable && this.trained(layer) };
      this.#all.set(key, weight);
    }
    return weight;
  }
}

export interface ForwardOptions {
  training: boolean;
  /** The type in which layers compute; weights are always float32. */
  precision: DType;
  /** int32 scalar; needed in training */
  seed?: Value;
  /** The second input, to which layers refer by the name VECTORS */
  vectors?: Value | undefined;
}

export interface Forward {
  /** The output of each layer, in the computing type. */
  outputs: ReadonlyMap<string, Value>;
  output: Value;
  /** Target values of moving statistics at the end of the step. */
  tracked: readonly { variable: Variable; value: Value }[];
}

/** Adds the forward pass of layers on `input` to the graph. */
export function forward(layers: readonly Layer[], input: Value, weights: Weights, options: ForwardOptions): Forward {
  const { graph } = input;
  const outputs = new Map<string, Value>(options.vectors ? [[VECTORS, options.vectors]] : []);
  const tracked: { variable: Variable; value: Value }[] = [];
  let previous = input;
  for (const [index, layer] of layers.entries()) {
    const precision = layer.float32 ? 'float32' : options.precision;
    const taken = layer.from?.map((name) => {
      const output = outputs.get(name);
      if (!output) throw new Error(`the input ${name} of layer ${layer.name} is not an earlier layer`);
      return output;
    });
    const inputs = (taken ?? [previous]).map((value) => cast(value, precision));
    const declared = new Map<string, Variable>();
    const context: LayerContext = {
      training: options.training && weights.trained(layer.name),
      weight(name, shape, initializer, { trainable = true, float32 = false } = {}) {
        const { variable } = weights.get(layer.name, name, { shape, initializer, trainable });
        declared.set(name, variable);
        const value = graph.read(variable);
        return float32 ? value : cast(value, precision);
      },
      track(name, value) {
        const variable = declared.get(name);
        if (!variable) throw new Error(`layer ${layer.name} tracks ${name}, which it does not declare`);
        tracked.push({ variable, value });
      },
      seed() {
        if (!options.seed) throw new Error(`layer ${layer.name} needs a seed`);
        return pack(options.seed, graph.constant(index, 'int32'));
      },
    };
    previous = graph.scope(layer.name, () => layer.apply(context, inputs));
    if (outputs.has(layer.name)) throw new Error(`two layers are named ${layer.name}`);
    outputs.set(layer.name, previous);
  }
  return { outputs, output: previous, tracked };
}

/** Returns the weights of layers, in the order in which the layers use them. Does not need TensorFlow. */
export function declaredWeights(layers: readonly Layer[], inputShape: readonly number[]): readonly Weight[] {
  const weights = new Weights(new Graph(), () => false);
  const input = weights.graph.placeholder('input', 'float32', [null, ...inputShape]);
  forward(layers, input, weights, { training: false, precision: 'float32' });
  return weights.all();
}

/** Returns the shape of each weight by `layer/name`, in the form that `loadKerasWeights` expects. */
export function weightShapes(layers: readonly Layer[], inputShape: readonly number[]): Map<string, readonly number[]> {
  return new Map(declaredWeights(layers, inputShape).map(({ variable, shape }) => [variable.name, shape]));
}
