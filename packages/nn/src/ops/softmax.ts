import type { Value } from '../graph/graph.js';
import { subtract } from './arithmetic.js';
import { multiply } from './multiply.js';
import { reshape } from './reshape.js';

/** exp(x), divided by the sum along the last axis. Training on logits uses their cross-entropy instead. */
export function softmax(x: Value): Value {
  const { graph, dtype, shape } = x;
  return graph.value(
    'Softmax',
    { dtype, shape },
    {
      inputs: [x],
      attrs: { T: { type: dtype } },
      gradient: ([dy], [y]) => {
        if (!dy) return [];
        const sums = graph.value(
          'Sum',
          { dtype, shape: [...shape.slice(0, -1), 1] },
          {
            inputs: [multiply(dy, y), graph.constant([-1], 'int32')],
            attrs: { T: { type: dtype }, Tidx: { type: 'int32' }, keep_dims: { bool: true } },
          },
        );
        return [multiply(subtract(dy, sums), y)];
      },
    },
  );
}

/**
 * -log softmax(logits)[label] of each row.
 * @param logits float32 [batch, classes]
 * @param labels int32 [batch], 0 <= label < classes
 * @returns float32 [batch]
 */
export function sparseSoftmaxCrossEntropy(logits: Value, labels: Value): Value {
  const { graph, dtype } = logits;
  const node = graph.node('SparseSoftmaxCrossEntropyWithLogits', {
    inputs: [logits, labels],
    attrs: { T: { type: dtype }, Tlabels: { type: labels.dtype } },
    outputs: [
      { dtype, shape: labels.shape },
      { dtype, shape: logits.shape },
    ],
    gradient: ([dy], [, rows]) => {
      if (!dy) return [];
      const column = reshape(dy, [null, 1]);
      return [
        graph.value('Mul', { dtype, shape: logits.shape }, { inputs: [rows, column], attrs: { T: { type: dtype } } }),
      ];
    },
  });
  return node.outputs[0];
}
