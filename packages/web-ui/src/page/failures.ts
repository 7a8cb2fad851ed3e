import type { Grid } from '@cryfold/run-control';
import { h, showError } from './dom.js';

/** Maximum number of failures to list, and of folds to list per failure. */
const [REASONS, FOLDS] = [20, 12];

/** Shows why folds failed: lists each reason once, with the names of the affected folds as in `cryfold logs`. */
export function showFailures(root: HTMLElement, { failures, places, trials }: Grid): void {
  root.hidden = failures.length === 0;
  const reasons = failures.slice(0, REASONS).map(({ code, message, hint, cells }) => {
    const names = cells.slice(0, FOLDS).map((i) => {
      const [trial, repeat, fold, shuffle] = places[i];
      return `${trials[trial].name}/${repeat}/${fold}${shuffle === null ? '' : `, shuffled labels ${shuffle}`}`;
    });
    const more = cells.length > FOLDS ? `, and ${cells.length - FOLDS} more` : '';
    const problem = showError(h('div', { class: 'problem' }), { message: `${code}: ${message}`, hint });
    problem.append(h('span', { class: 'hint faint' }, `${cells.length} failed: ${names.join(', ')}${more}`));
    return problem;
  });
  const more = failures.length - REASONS;
  root.replaceChildren(
    h('h2', {}, 'Failures'),
    ...reasons,
    ...(more > 0 ? [h('p', { class: 'faint' }, `and ${more} other reasons`)] : []),
  );
}
