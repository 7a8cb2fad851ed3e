import { counted } from '@cryfold/core';
import { METRICS, metricOf, type RunResults } from '@cryfold/evaluation';
import { oriented, pText, SIGNIFICANCE } from '../comparison-table.js';
import { differenceText } from '../metric-text.js';
import { percent } from '../text.js';
import { html, type Markup } from './markup.js';
import { heatTable } from './tables.js';

/**
 * One row-normalised matrix per model in percent, as in the paper: rows are true classes, columns are predicted
 * classes.
 */
export function confusionMatrices(results: RunResults): Markup {
  const { classes } = results.dataset;
  return html`<div class="matrices">${results.models.flatMap(({ name, pooled, folds }) =>
    pooled
      ? html`<div><h3>${name}</h3>\n${heatTable(
          `${name}: percent of each true class, pooled over ${counted(folds.length, 'fold')}`,
          'true ∖ predicted',
          classes,
          pooled.rowNormalised.map((row, c) => ({
            name: classes[c],
            cells: row.map((share) => ({ text: percent(share), share })),
          })),
        )}</div>\n`
      : [],
  )}</div>`;
}

/** Recall of each class by model, in percent. */
export function recallTable(results: RunResults): Markup {
  const models = results.models.filter(({ pooled }) => pooled);
  return heatTable(
    'Recall: pooled percentage of correct test predictions by class',
    'class',
    ['clips', ...models.map(({ name }) => name)],
    results.dataset.perClass.map(({ label, clips }, c) => ({
      name: label,
      cells: [
        { text: `${clips}` },
        ...models.map(({ pooled }) => {
          const { recall } = pooled!.perClass[c];
          return recall === null ? { text: '-' } : { text: percent(recall), share: recall };
        }),
      ],
    })),
  );
}

/**
 * The difference of the run's metric (row minus column), with the Holm-adjusted p-value. Significant differences are
 * coloured.
 */
export function significanceMatrix(results: RunResults): Markup {
  const names = results.models.map(({ name }) => name);
  const metric = metricOf(results);
  const unit = METRICS[metric].share ? `points of ${METRICS[metric].title}` : METRICS[metric].title;
  return heatTable(
    `Row minus column, ${unit} (Holm-adjusted p); coloured if p < ${SIGNIFICANCE}`,
    'model',
    names,
    names.map((row) => ({
      name: row,
      cells: names.map((column) => {
        const test = row === column ? undefined : oriented(results, row, column);
        if (!test || test.difference === null) return { text: row === column ? '–' : 'not tested' };
        const { difference, pHolm, untested } = test;
        const p = pHolm === null ? untested : `p ${pText(pHolm)}`;
        const share = pHolm !== null && pHolm < SIGNIFICANCE ? 0.75 : 0;
        return { text: `${differenceText(metric, difference)} (${p})`, share };
      }),
    })),
  );
}
