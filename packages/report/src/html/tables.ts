import { html, type Markup } from './markup.js';

/** A box that scrolls sideways on narrow screens and takes the keyboard's focus to do so. */
export function scrolling(label: string, content: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${content}</div>`;
}

/** A table of text: the first row is its head, each row's first cell the row's. */
export function textTable(caption: string, [head, ...body]: readonly (readonly string[])[]): Markup {
  return scrolling(
    caption,
    html`<table><caption>${caption}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${body.map(
      ([first, ...cells]) =>
        html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
    )}</tbody></table>`,
  );
}

export interface HeatCell {
  text: string;
  /** How strongly it is coloured, 0 to 1; undefined leaves it without. */
  share?: number;
}

/** A table whose cells are coloured by their values; the text says the same. */
export function heatTable(
  caption: string,
  corner: string,
  columns: readonly string[],
  rows: readonly { name: string; cells: readonly HeatCell[] }[],
): Markup {
  const cell = ({ text, share }: HeatCell) =>
    share === undefined
      ? html`<td>${text}</td>`
      : html`<td class="heat" style="--share:${Math.max(0, Math.min(1, share)).toFixed(3)}">${text}</td>`;
  return scrolling(
    caption,
    html`<table><caption>${caption}</caption>
<thead><tr><th scope="col">${corner}</th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ name, cells }) => html`<tr><th scope="row">${name}</th>${cells.map(cell)}</tr>\n`)}</tbody></table>`,
  );
}

/** Names and values, one below the other. */
export function facts(entries: readonly (readonly [string, string | number])[]): Markup {
  return html`<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}
