import type { GraphNode, Value } from '../graph/graph.js';
import { identity } from './identity.js';

/**
 * Returns x if `condition` (a bool scalar) equals `holds`, otherwise a dead value: a node that has a data or control
 * dependency on a dead value does not run. This is TensorFlow's Switch, without gradient.
 */
export function onlyIf(x: Value, condition: Value, holds = true): Value {
  const of = { dtype: x.dtype, shape: x.shape };
  const node = x.graph.node('Switch', {
    inputs: [x, condition],
    attrs: { T: { type: x.dtype } },
    outputs: [of, of],
  });
  // Taken from a separate node, because a control dependency on the Switch itself would not be dead.
  return identity(node.outputs[holds ? 1 : 0], 'only');
}

/**
 * Returns a node that runs once `effects` have run or have been skipped; they run only if `condition` is true. This is
 * TensorFlow's Merge.
 */
export function whenSettled(condition: Value, effects: readonly GraphNode[]): GraphNode {
  const { graph } = condition;
  const one = graph.constant(1);
  const [ran, skipped] = [identity(onlyIf(one, condition), 'ran', effects), onlyIf(one, condition, false)];
  return graph.node('Merge', {
    inputs: [ran, skipped],
    attrs: { T: { type: 'float32' }, N: { int: 2 } },
    outputs: [
      { dtype: 'float32', shape: [] },
      { dtype: 'int32', shape: [] },
    ],
  });
}

/** Returns `yes` if the condition is true, otherwise `no`. All are scalars; both values are computed. No gradient. */
export function choose(condition: Value, yes: Value, no: Value): Value {
  const { dtype, shape } = yes;
  return yes.graph.value('SelectV2', { dtype, shape }, { inputs: [condition, yes, no], attrs: { T: { type: dtype } } });
}
