import { knownSize, type Value } from '../graph/graph.js';
import { add } from '../ops/add.js';
import { divide } from '../ops/arithmetic.js';
import { einsum } from '../ops/einsum.js';
import { multiply } from '../ops/multiply.js';
import { oneHot } from '../ops/one-hot.js';
import { reshape } from '../ops/reshape.js';
import { softmax, sparseSoftmaxCrossEntropy } from '../ops/softmax.js';
import { relu } from '../ops/unary.js';

/** What the values of the last layer mean; all of them are float32. */
export interface Output {
  /** Description for a stored model; absent if the model ends in probabilities */
  meaning?: string;
  /**
   * Training loss of each example: [batch, classes] and labels int32 [batch] to [batch]. It must be linear in the
   * one-hot target, so that the loss for a mixed target is the mean of the losses for its labels.
   */
  loss(output: Value, labels: Value): Value;
  /** Converts values to rows that sum to 1, keeping their order: [batch, classes] to [batch, classes] */
  probabilities(output: Value): Value;
}

/** The output consists of logits: the loss is cross-entropy, and softmax yields probabilities. */
export const LOGITS: Output = { loss: sparseSoftmaxCrossEntropy, probabilities: softmax };

/**
 * Constants of the margin loss: the minimum length for the true class, the maximum length for the other classes, and
 * the weight of the other classes.
 */
const [PRESENT, ABSENT, OTHERS] = [0.9, 0.1, 0.5];

/**
 * The output consists of the lengths of capsules: the loss is the margin loss of Sabour et al. (2017), equation 4.
 * Probabilities are the lengths divided by their sum.
 */
export const LENGTHS: Output = {
  meaning:
    'the length of the capsule of each class; the probability of a class is its length divided by the sum of all lengths',
  loss(output, labels) {
    const { graph } = output;
    const classes = knownSize(output.shape, 1);
    const own = oneHot(labels, classes, [1, 0]);
    const other = oneHot(labels, classes, [0, OTHERS]);
    const short = relu(add(multiply(output, graph.constant(-1)), graph.constant(PRESENT)));
    const long = relu(add(output, graph.constant(-ABSENT)));
    const losses = add(multiply(multiply(short, short), own), multiply(multiply(long, long), other));
    return einsum('bj,j->b', losses, graph.constant(new Array(classes).fill(1)));
  },
  probabilities(output) {
    const ones = output.graph.constant(new Array(knownSize(output.shape, 1)).fill(1));
    return divide(output, reshape(einsum('bj,j->b', output, ones), [null, 1]));
  },
};
