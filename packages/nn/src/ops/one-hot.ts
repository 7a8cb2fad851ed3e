import type { Value } from '../graph/graph.js';

/**
 * Rows that contain `own` at the label and `others` elsewhere: int32 [batch] to float32 [batch, classes]. Without
 * gradient.
 */
export function oneHot(labels: Value, classes: number, [own, others]: readonly [own: number, others: number]): Value {
  const { graph } = labels;
  return graph.value(
    'OneHot',
    { dtype: 'float32', shape: [...labels.shape, classes] },
    {
      inputs: [labels, graph.constant(classes, 'int32'), graph.constant(own), graph.constant(others)],
      attrs: { T: { type: 'float32' }, TI: { type: labels.dtype }, axis: { int: -1 } },
    },
  );
}
