import { html, type Markup } from './markup.js';

/** A box that scrolls horizontally on narrow screens. It is focusable, so that it can be scrolled with the keyboard. */
export function scrolling(label: string, content: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${content}</div>`;
}

/** A table of text. The first row is its header, and the first cell of each row is the header of that row. */
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
  /** Intensity of the colour from 0 to 1; if undefined, the cell is not coloured */
  share?: number;
}

/** A table with cells coloured by value. The text of the cells contains the same information. */
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

/** A list of names and values. */
export function facts(entries: readonly (readonly [string, string | number])[]): Markup {
  return html`<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}
