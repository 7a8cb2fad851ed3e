import type { Graph, Value } from '../graph/graph.js';
import { add } from '../ops/add.js';
import {
  cosine,
  exponential,
  logarithm,
  maximum,
  minimum,
  negative,
  plus,
  squareRoot,
  subtract,
} from '../ops/arithmetic.js';
import { fill } from '../ops/bytes.js';
import { cast } from '../ops/cast.js';
import { pack } from '../ops/dropout.js';
import { gather, gatherColumns } from '../ops/gather.js';
import { matMul } from '../ops/mat-mul.js';
import { imageMean } from '../ops/mean.js';
import { multiply } from '../ops/multiply.js';
import { standardUniform } from '../ops/random.js';
import { reshape } from '../ops/reshape.js';
import type { AugmentationSteps } from './augmentation.js';
import { COLOUR_WEIGHTS, type ColourScale, levelTable } from './colour-scale.js';

/**
 * Level assumed for pixels below the scale. A gain of at most 120 dB cannot make such a pixel visible, and its power is
 * negligible.
 */
const SILENCE = -1e4;

export interface AugmentedBatch {
  /** The changed examples, in the same form as the batch's input */
  input: Value;
  /** For a network that reads images and vectors: the vectors, mixed in the same way as the images */
  vectors: Value | undefined;
  /** Output of `drawAugmentation`, by name */
  inputs: Record<string, Value>;
  mixed?: MixedExamples;
}

interface MixedExamples {
  /** Share of the example's own label: float32 [b] */
  shares: Value;
  /** The other label: int32 [b] */
  labels: Value;
}

interface GivenBatch {
  /** float32 [b, ...] */
  input: Value;
  /** float32 [b, columns] */
  vectors: Value | undefined;
  /** int32 [b] */
  labels: Value;
  /** int32 scalar */
  seed: Value;
}

/** Changes the examples of a training batch. */
export function augmentBatch(batch: GivenBatch, steps: AugmentationSteps): AugmentedBatch {
  const { graph } = batch.input;
  const images = steps.scale ? changeImages(batch, steps, steps.scale) : { input: batch.input, inputs: {} };
  if (!steps.mixup) return { ...images, vectors: batch.vectors };
  const partners = graph.placeholder('partners', 'int32', [null]);
  const shares = graph.placeholder('shares', 'float32', [null]);
  const mix = (own: Value) => {
    const share = reshape(shares, [null, ...own.shape.slice(1).map(() => 1)]);
    const other = gather(own, partners);
    return plus(multiply(subtract(own, other), share), other);
  };
  return {
    input: mix(images.input),
    vectors: batch.vectors && mix(batch.vectors),
    inputs: { ...images.inputs, partners, shares },
    mixed: { shares, labels: gather(batch.labels, partners) },
  };
}

/**
 * Returns the loss of each example for its own label and, if it is mixed, for the other label as well, weighted by
 * their shares. If a loss is linear in the target, as the loss of each `Output` is, this equals the loss for the mixed
 * target.
 * @param against computes the loss of each example for given labels: int32 [b] to float32 [b]
 */
export function lossesOf(against: (labels: Value) => Value, labels: Value, mixed: MixedExamples | undefined): Value {
  const own = against(labels);
  if (!mixed) return own;
  const rest = subtract(fill(own.graph, [1], 1), mixed.shares);
  return add(multiply(own, mixed.shares), multiply(against(mixed.labels), rest));
}

/** Converts images to levels, applies shift, gain, noise and masks, and converts the levels back to colours. */
function changeImages({ input, seed }: { input: Value; seed: Value }, steps: AugmentationSteps, scale: ColourScale) {
  const { graph } = input;
  const [, height, width] = input.shape;
  const inputs: Record<string, Value> = {};
  const given = (name: string, size?: number | null) => {
    inputs[name] = graph.placeholder(name, 'float32', size === undefined ? [null] : [null, size]);
    return inputs[name];
  };
  const one = (x: Value) => reshape(x, [null, 1, 1]);
  let levels = levelsOf(input, scale);
  if (steps.timeShift) {
    inputs.columns = graph.placeholder('columns', 'int32', [null, width]);
    levels = gatherColumns(levels, inputs.columns);
  }
  if (steps.gain) levels = plus(levels, one(multiply(given('gain'), graph.constant(1 / scale.decibels))));
  if (steps.noise) levels = addNoise(levels, one(given('noise')), seed, scale);
  levels = maximum(levels, graph.constant(0));
  if (steps.masks) {
    const fill = imageMean(levels);
    const kept = multiplyOuter(given('rowsKept', height), given('columnsKept', width));
    levels = plus(multiply(subtract(levels, fill), kept), fill);
  }
  const nearest = minimum(plus(levels, graph.constant(0.5)), graph.constant(scale.levels - 0.5));
  return { input: gather(colours(graph, scale), cast(nearest, 'int32')), inputs };
}

/** Returns the outer products of [b, rows] and [b, columns]: [b, rows, columns]. */
function multiplyOuter(rows: Value, columns: Value): Value {
  const [height, width] = [rows.shape[1], columns.shape[1]];
  return rows.graph.value(
    'Mul',
    { dtype: rows.dtype, shape: [null, height, width] },
    {
      inputs: [reshape(rows, [null, height, 1]), reshape(columns, [null, 1, width])],
      attrs: { T: { type: rows.dtype } },
    },
  );
}

/** Returns the level of each pixel: [b, height, width, 3] to [b, height, width]. */
function levelsOf(input: Value, scale: ColourScale): Value {
  const { graph } = input;
  const [, height, width] = input.shape;
  const weights = reshape(graph.constant(COLOUR_WEIGHTS), [3, 1]);
  const sums = cast(reshape(matMul(reshape(input, [null, 3]), weights), [null, height, width]), 'int32');
  const table = levelTable(scale);
  table[0] = SILENCE;
  return gather(graph.constant([...table]), sums);
}

function colours(graph: Graph, { colours, levels }: ColourScale): Value {
  return reshape(graph.constant([...colours]), [levels, 3]);
}

/**
 * Adds white noise: a complex normal variable is added to the amplitude of each pixel, just as noise in the sound adds
 * to Fourier coefficients. Draws the variable's squared modulus, which has an exponential distribution, and its angle,
 * which is uniform. This takes half as long as drawing its two normal parts.
 * @param power [b, 1, 1]: the mean power of the noise as a share of the image's mean power
 */
function addNoise(levels: Value, power: Value, seed: Value, scale: ColourScale): Value {
  const { graph } = levels;
  const perLevel = (Math.LN10 / 10) * scale.decibels;
  const uniform = (part: number) => standardUniform(levels, pack(seed, graph.constant(-part, 'int32')));
  const own = exponential(multiply(levels, graph.constant(perLevel)));
  // Uniform numbers are below 1, so the logarithm is finite.
  const logarithms = logarithm(plus(negative(uniform(1)), graph.constant(1)));
  const added = multiply(logarithms, negative(multiply(imageMean(own), power)));
  const angle = cosine(multiply(uniform(2), graph.constant(2 * Math.PI)));
  // The product of the two powers would overflow on scales of more than 190 dB, so their roots are multiplied instead.
  const root = multiply(squareRoot(own), squareRoot(added));
  const crossed = multiply(multiply(root, angle), graph.constant(2));
  const sum = maximum(plus(plus(own, added), crossed), graph.constant(1e-30));
  return multiply(logarithm(sum), graph.constant(1 / perLevel));
}
