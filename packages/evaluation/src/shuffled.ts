import { score, summaries } from './evaluate-model.js';
import type { EvaluationInput, ShuffledFold } from './evaluation-input.js';
import type { Evaluation } from './results.js';

export function shuffledName(model: string, shuffle: number): string {
  return `${model} on shuffled labels ${shuffle}`;
}

/**
 * Computes the figures of each estimator on shuffled labels, from which nothing can be learned. Calls `onMissing` for
 * each missing fold.
 */
export function shuffledBaselines(
  { classes, clips, splits, shuffled = [] }: EvaluationInput,
  onMissing: (fold: ShuffledFold) => void,
): NonNullable<Evaluation['baselines']['shuffled']> {
  return [...new Set(shuffled.map(({ model }) => model))].map((model) => {
    const folds = shuffled.flatMap((one) => {
      if (one.model !== model) return [];
      const { probabilities, scores = probabilities } = one;
      if (!probabilities || !scores) {
        onMissing(one);
        return [];
      }
      const { repeat, fold, test } = splits[one.split];
      if (test.length === 0) return [];
      const rows = { labels: test.map((clip) => clips[clip].label), probabilities, scores };
      return [{ shuffle: one.shuffle, repeat, fold, ...score(rows, classes.length).metrics }];
    });
    return { model, folds, ...summaries(folds) };
  });
}
