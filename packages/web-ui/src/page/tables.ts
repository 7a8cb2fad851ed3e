import { h } from './dom.js';

export function scroll(label: string, table: HTMLElement): HTMLElement {
  return h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, table);
}

export function head(...names: string[]): HTMLElement {
  return h('thead', {}, h('tr', {}, ...names.map((name) => h('th', { scope: 'col' }, name))));
}

/** Labels the cells of a row, for screens that are too narrow for columns. */
export function labelled<T extends HTMLElement>(row: T, names: readonly string[]): T {
  for (const [i, cell] of [...row.children].entries()) if (cell instanceof HTMLElement) cell.dataset.label = names[i];
  return row;
}
