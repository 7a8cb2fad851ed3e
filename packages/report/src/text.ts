export interface TextOptions {
  /** Whether to add ANSI colours */
  color?: boolean;
}

/** A table's rows, the first of which is the header, and explanatory notes. */
export interface TextTable {
  rows: string[][];
  notes: string[];
}

const STYLES = { bold: 1, dim: 2, red: 31, yellow: 33 } as const;

export function paint(text: string, style: keyof typeof STYLES, color = false): string {
  return color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

const width = (text: string) => [...text].length;

/** Shortens text to `limit` characters with an ellipsis at the end. */
export function shorten(text: string, limit: number): string {
  return width(text) <= limit ? text : `${[...text].slice(0, limit - 1).join('')}…`;
}

/** Formats rows as lines with aligned columns. The first column is left-aligned, and all others are right-aligned. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => width(row[c]))));
  return rows.map((row) =>
    row
      .map((cell, c) => {
        const padding = ' '.repeat(widths[c] - width(cell));
        return c === 0 ? cell + padding : padding + cell;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A share in [0, 1] as percent with two decimals, as in the paper. */
export function percent(share: number | null): string {
  return share === null ? '-' : (100 * share).toFixed(2);
}
