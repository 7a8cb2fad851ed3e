import type { Graph, GraphNode, Value, Variable } from '../graph/graph.js';

/** What an optimiser sees of one step. */
export interface StepValues {
  graph: Graph;
  /** float32 scalar, an input of the step */
  learningRate: Value;
  /** float32 scalar: 1 in the first step */
  iteration: Value;
}

/** How gradients move weights. */
export interface Optimizer {
  readonly name: string;
  /** The variables it keeps beside each weight, all of the weight's shape and zero at first. */
  readonly slots: readonly string[];
  /** Prepares what all weights share in a step and returns the update of one weight. */
  prepare(step: StepValues): (weight: Variable, gradient: Value, slots: readonly Variable[]) => GraphNode;
}
