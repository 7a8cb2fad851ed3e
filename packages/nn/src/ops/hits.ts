import type { Value } from '../graph/graph.js';
import { cast } from './cast.js';
import { sumOf } from './mean.js';

/**
 * Counts the rows of logits [batch, classes] in which the largest value belongs to the row's label; labels are [batch].
 * The result is a float32 scalar.
 */
export function hitCount(logits: Value, labels: Value): Value {
  const { graph } = logits;
  const predicted = graph.value(
    'ArgMax',
    { dtype: 'int32', shape: labels.shape },
    {
      inputs: [logits, graph.constant(1, 'int32')],
      attrs: { T: { type: logits.dtype }, Tidx: { type: 'int32' }, output_type: { type: 'int32' } },
    },
  );
  const equal = graph.value(
    'Equal',
    { dtype: 'bool', shape: labels.shape },
    { inputs: [predicted, labels], attrs: { T: { type: 'int32' }, incompatible_shape_error: { bool: true } } },
  );
  return sumOf(cast(equal, 'float32'));
}
