import { knownSize, type Shape, type Value } from '../graph/graph.js';
import { divide } from './arithmetic.js';
import { cast } from './cast.js';
import { multiply } from './multiply.js';
import { reshape } from './reshape.js';
import { shapeOf, sizeOf } from './shape.js';

function reduce(op: 'Mean' | 'Sum', x: Value, axes: readonly number[], gradient?: (dy: Value) => Value): Value {
  const { graph, dtype } = x;
  return graph.value(
    op,
    { dtype, shape: x.shape.filter((_, axis) => !axes.includes(axis)) },
    {
      inputs: [x, graph.constant(axes, 'int32')],
      attrs: { T: { type: dtype }, Tidx: { type: 'int32' }, keep_dims: { bool: false } },
      gradient: gradient && (([dy]) => [dy && gradient(dy)]),
    },
  );
}

function broadcastTo(x: Value, like: Value): Value {
  return x.graph.value(
    'BroadcastTo',
    { dtype: x.dtype, shape: like.shape },
    { inputs: [x, shapeOf(like)], attrs: { T: { type: x.dtype }, Tidx: { type: 'int32' } } },
  );
}

/** The mean over height and width: [batch, height, width, channels] to [batch, channels]. */
export function spatialMean(x: Value): Value {
  const [batch, , , channels] = x.shape;
  const share = 1 / (knownSize(x.shape, 1) * knownSize(x.shape, 2));
  return reduce('Mean', x, [1, 2], (dy) => {
    const scaled = multiply(dy, cast(x.graph.constant(share), x.dtype));
    return broadcastTo(reshape(scaled, [batch, 1, 1, channels]), x);
  });
}

/** The mean of each image: [batch, height, width] to [batch, 1, 1]. Without gradient. */
export function imageMean(x: Value): Value {
  return reshape(reduce('Mean', x, [1, 2]), [x.shape[0], 1, 1]);
}

/** The mean of a vector of any length: [n] to a scalar. */
export function vectorMean(x: Value): Value {
  return reduce('Mean', x, [0], (dy) => broadcastTo(divide(dy, cast(sizeOf(x), x.dtype)), x));
}

/** The sum of all elements, without gradient. */
export function sumOf(x: Value): Value {
  const axes: Shape = x.shape.map((_, axis) => axis);
  return reduce('Sum', x, axes as number[]);
}
