import type { Graph, GraphNode, Value, Variable } from '../graph/graph.js';
import { divide, plus, power, subtract } from '../ops/arithmetic.js';
import { choose, onlyIf, whenSettled } from '../ops/branch.js';
import { allFinite } from '../ops/finite.js';
import { multiply } from '../ops/multiply.js';

/**
 * The initial scale, and the number of steps without overflow after which the scale doubles, as in Keras's
 * LossScaleOptimizer.
 */
const INITIAL = 2 ** 15;
const GROWTH_STEPS = 2000;

/**
 * Dynamic loss scaling: Micikevicius et al. (2018), section 3.2. float16 values range from 6e-8 to 65504, so small
 * gradients vanish unless the loss is multiplied first. If the gradients of a step overflow, the step only halves the
 * scale: weights, moments and moving statistics do not change, and the step is not counted.
 */
export class LossScale {
  /** The factor for the loss of this step: a float32 scalar. */
  readonly scale: Value;
  /**
   * log2 of scale / INITIAL, and the number of steps since the scale last changed. Both start at zero, like the rest of
   * the optimiser's state.
   */
  readonly variables: readonly [exponent: Variable, steps: Variable];
  readonly #graph: Graph;
  readonly #finite: Value;
  /** Unscaled gradients of the loss, one for each weight. */
  readonly gradients: readonly Value[];

  /** @param differentiate computes the gradients of the loss times `scale` */
  constructor(graph: Graph, differentiate: (scale: Value) => readonly Value[]) {
    this.#graph = graph;
    this.variables = [
      graph.variable('optimizer/scale/exponent', 'float32', []),
      graph.variable('optimizer/scale/steps', 'float32', []),
    ];
    const growth = power(graph.constant(2), graph.read(this.variables[0]));
    this.scale = multiply(graph.constant(INITIAL), growth);
    const scaled = differentiate(this.scale);
    this.#finite = allFinite(scaled);
    const inverse = divide(graph.constant(1), this.scale);
    this.gradients = scaled.map((gradient) => multiply(gradient, inverse));
  }

  /** Returns the value in a step without overflow. In a step with overflow, nothing that depends on it runs. */
  guard(value: Value): Value {
    return onlyIf(value, this.#finite);
  }

  /** Returns the nodes that complete a step. @param updates nodes that assign guarded values to variables */
  finish(updates: readonly GraphNode[]): GraphNode[] {
    const graph = this.#graph;
    const [zero, one] = [graph.constant(0), graph.constant(1)];
    const [exponent, steps] = this.variables.map((variable) => graph.read(variable));
    const counted = plus(steps, one);
    const full = graph.value(
      'GreaterEqual',
      { dtype: 'bool', shape: [] },
      { inputs: [counted, graph.constant(GROWTH_STEPS)], attrs: { T: { type: 'float32' } } },
    );
    const grown = choose(full, plus(exponent, one), exponent);
    return [
      whenSettled(this.#finite, updates),
      graph.assign(this.variables[0], choose(this.#finite, grown, subtract(exponent, one))),
      graph.assign(this.variables[1], choose(this.#finite, choose(full, zero, counted), zero)),
    ];
  }
}
