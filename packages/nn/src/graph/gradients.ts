import { add } from '../ops/add.js';
import type { DType, GraphNode, Value } from './graph.js';

/** Gradients flow only through real numbers, not through shapes, labels or masks. */
const FLOATS: ReadonlySet<DType> = new Set(['float32', 'bfloat16', 'float16']);

/**
 * Reverse-mode differentiation: computes the gradients of a scalar with respect to `targets`. Nodes are visited in
 * reverse order of creation, which is a reverse topological order. Only nodes between a target and the loss get
 * gradient nodes.
 * @throws Error if a target does not influence the loss, or a node in between has no gradient
 */
export function gradients(loss: Value, targets: readonly Value[]): Value[] {
  const { graph } = loss;
  if (loss.shape.length !== 0) throw new Error(`${loss.reference} is not a scalar`);
  const nodes = graph.nodes.slice(0, loss.node.id + 1);
  const wanted = new Set<Value>(targets);
  const relevant = new Set<GraphNode>();
  const flows = (value: Value) => FLOATS.has(value.dtype) && (wanted.has(value) || relevant.has(value.node));
  for (const node of nodes) if (node.inputs.some(flows)) relevant.add(node);

  const arrived = new Map<Value, Value[]>([[loss, [graph.constant(1)]]]);
  const sum = (value: Value) => arrived.get(value)?.reduce((total, part) => add(total, part));
  graph.scope('gradients', () => {
    for (const node of nodes.reverse()) {
      if (!relevant.has(node) || !node.outputs.some((output) => arrived.has(output))) continue;
      if (!node.gradient) throw new Error(`${node.op} ${node.name} has no gradient`);
      const outputGradients = node.outputs.map(sum);
      const inputGradients = graph.scope(node.name, () => node.gradient?.(outputGradients, node.outputs) ?? []);
      node.inputs.forEach((input, i) => {
        const gradient = inputGradients[i];
        if (gradient && flows(input)) arrived.set(input, [...(arrived.get(input) ?? []), gradient]);
      });
    }
  });
  return targets.map((target) => {
    const gradient = sum(target);
    if (!gradient) throw new Error(`${target.reference} does not influence ${loss.reference}`);
    return gradient;
  });
}
