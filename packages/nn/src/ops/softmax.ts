import type { Value } from '../graph/graph.js';
import { reshape } from './reshape.js';

/** Rows that sum to 1: [batch, classes]. Without gradient: training goes through the cross-entropy of the logits. */
export function softmax(logits: Value): Value {
  return logits.graph.value(
    'Softmax',
    { dtype: logits.dtype, shape: logits.shape },
    { inputs: [logits], attrs: { T: { type: logits.dtype } } },
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
