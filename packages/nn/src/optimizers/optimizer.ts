import type { Graph, GraphNode, Value, Variable } from '../graph/graph.js';

/** Input of an optimiser in one step. */
export interface StepValues {
  graph: Graph;
  /** float32 scalar, an input of the step */
  learningRate: Value;
  /** float32 scalar: 1 in the first step */
  iteration: Value;
}

/** How gradients change weights. */
export interface Optimizer {
  readonly name: string;
  /** The variables that it keeps for each weight, all of the weight's shape and initially zero. */
  readonly slots: readonly string[];
  /** Prepares everything that all weights share in a step and returns the update of one weight. */
  prepare(step: StepValues): (weight: Variable, gradient: Value, slots: readonly Variable[]) => GraphNode;
}
