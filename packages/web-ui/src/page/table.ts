import { h, Keyed, say } from './dom.js';

export interface Column<T> {
  name: string;
  /** CSS classes of the column's cells */
  kind?: string;
  /** Text of a cell, or a function that updates its content */
  text?: (row: T) => string;
  show?: (cell: HTMLElement, row: T) => void;
  /**
   * Returns the sort key of a row. Rows with the key null come last in either direction. A column without `key` cannot
   * be sorted.
   */
  key?: (row: T) => string | number | null;
  /** Rows are first sorted by this group, always ascending, because keys of different groups cannot be compared. */
  group?: (row: T) => string;
  /**
   * Whether the first click on the header shows the largest value first; may be a function, if this depends on the rows
   */
  descends?: boolean | (() => boolean);
}

/** Direction of a sorted column. */
type Direction = 'ascending' | 'descending';

/**
 * A table that keeps its rows by key and sorts them by a click on a column header: first in the column's own direction,
 * then in the opposite one, then in the default order again. The first column is the row header.
 */
export class Table<T> {
  /** A box that scrolls horizontally on narrow screens */
  readonly element: HTMLElement;
  readonly #columns: readonly Column<T>[];
  readonly #names: string[];
  readonly #heads: HTMLTableCellElement[];
  readonly #rows: Keyed<T>;
  readonly #keyOf: (row: T) => string;
  #shown: readonly T[] = [];
  #sorted: { column: Column<T>; direction: Direction } | undefined;

  constructor(label: string, columns: readonly Column<T>[], keyOf: (row: T) => string, kind?: string) {
    this.#columns = columns;
    this.#names = columns.map(({ name }) => name);
    this.#keyOf = keyOf;
    this.#heads = columns.map((column) => this.#head(column));
    const rows = h('tbody', { class: kind });
    this.#rows = new Keyed<T>(rows, () => this.#row());
    const table = h('table', { class: 'stack' }, h('thead', {}, h('tr', {}, ...this.#heads)), rows);
    this.element = scroll(label, table);
  }

  /** @param rows all rows, in the default order */
  show(rows: readonly T[]): void {
    this.#shown = rows;
    this.#rows.show(this.#inOrder(rows), this.#keyOf);
  }

  /** Renames a column, for example when a mean becomes final. */
  rename(index: number, name: string): void {
    this.#names[index] = name;
    say(this.#heads[index].querySelector('button') ?? this.#heads[index], name);
    const cells = this.element.querySelectorAll<HTMLElement>(`tbody tr > :nth-child(${index + 1})`);
    for (const cell of cells) cell.dataset.label = name;
  }

  #inOrder(rows: readonly T[]): T[] {
    const { column, direction } = this.#sorted ?? {};
    if (!column) return [...rows];
    return inOrder(rows, column, direction === 'descending' ? -1 : 1);
  }

  #head(column: Column<T>): HTMLTableCellElement {
    const { name, key } = column;
    const kind = column.kind?.replace('faint', '').trim();
    if (!key) return h('th', { scope: 'col', class: kind }, name);
    return h(
      'th',
      { scope: 'col', class: kind },
      h('button', { type: 'button', onclick: () => this.#sort(column) }, name),
    );
  }

  #sort(column: Column<T>): void {
    const descends = typeof column.descends === 'function' ? column.descends() : column.descends;
    const first: Direction = descends ? 'descending' : 'ascending';
    const second: Direction = descends ? 'ascending' : 'descending';
    const now = this.#sorted?.column === column ? this.#sorted.direction : undefined;
    const next = now === undefined ? first : now === first ? second : undefined;
    this.#sorted = next && { column, direction: next };
    for (const [i, head] of this.#heads.entries()) {
      if (next && this.#columns[i] === column) head.setAttribute('aria-sort', next);
      else head.removeAttribute('aria-sort');
    }
    this.show(this.#shown);
  }

  #row() {
    const cells = this.#columns.map(({ kind }, i) =>
      // The label is shown on screens too narrow for columns.
      h(i === 0 ? 'th' : 'td', { class: kind, 'data-label': this.#names[i], ...(i === 0 ? { scope: 'row' } : {}) }),
    );
    const update = (row: T) => {
      for (const [i, { text, show }] of this.#columns.entries()) {
        if (text) say(cells[i], text(row));
        show?.(cells[i], row);
      }
    };
    return { element: h('tr', {}, ...cells), update };
  }
}

/** The rows sorted by a column. @param sign -1 to show the largest value first */
export function inOrder<T>(rows: readonly T[], { key, group }: Column<T>, sign: 1 | -1): T[] {
  return rows
    .map((row) => ({ row, key: key?.(row) ?? null, group: group?.(row) ?? '' }))
    .sort((a, b) => {
      if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
      if (a.group !== b.group) return a.group < b.group ? -1 : 1;
      if (typeof a.key === 'number' && typeof b.key === 'number') return sign * (a.key - b.key);
      return sign * String(a.key).localeCompare(String(b.key), 'en', { numeric: true });
    })
    .map(({ row }) => row);
}

export function scroll(label: string, content: HTMLElement): HTMLElement {
  return h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: 0 }, content);
}
