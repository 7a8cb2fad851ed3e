import type { Graph, GraphNode, Value, Variable } from '../graph/graph.js';

/** Inputs of an optimiser in one step. */
export interface StepValues {
  graph: Graph;
  /** float32 scalar, an input of the step */
  learningRate: Value;
  /** float32 scalar: 1 in the first step */
  iteration: Value;
}

/** A rule for updating weights from their gradients. */
export interface Optimizer {
  readonly name: string;
  /** The variables that the optimiser keeps for each weight. Each has the shape of the weight and starts at zero. */
  readonly slots: readonly string[];
  /**
   * Creates the nodes that all weights share in a step, and returns a function that creates the update of one weight.
   */
  prepare(step: StepValues): (weight: Variable, gradient: Value, slots: readonly Variable[]) => GraphNode;
}
