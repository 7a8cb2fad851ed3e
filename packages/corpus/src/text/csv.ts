import { tidyName } from './names.js';

export interface CsvRecord {
  /** line on which the record starts, counted from 1 */
  line: number;
  fields: string[];
}

/** Maximum number of columns in a spreadsheet. */
const MOST_FIELDS = 16_384;

/**
 * Parses delimited text as in RFC 4180, and common deviations from it. The delimiter is whichever of comma, semicolon
 * and tab comes first in the first line that has text, unless a first line such as `sep=;` specifies another one. Lines
 * end with LF, CRLF or CR. Blanks may surround a quoted field. Records without text, which spreadsheets leave behind,
 * are skipped.
 * @param invalid creates the error for a line
 */
export function* parseCsv(text: string, invalid: (line: number, why: string) => Error): Generator<CsvRecord> {
  const named = /^sep=([^\r\n])(?:\r\n?|\n)/i.exec(text);
  const delimiter = named?.[1] ?? delimiterOf(text);
  const fields = new Fields(text, delimiter, named?.[0].length ?? 0);
  let line = named ? 2 : 1;
  while (fields.toRecord()) {
    line += fields.takeLines();
    const record: CsvRecord = { line, fields: [] };
    let last = false;
    while (!last) {
      const field = fields.next();
      if (!field) throw invalid(line, 'a quote is not closed or is inside an unquoted field');
      if (record.fields.length === MOST_FIELDS) throw invalid(line, `there are more than ${MOST_FIELDS} fields`);
      record.fields.push(field.value);
      last = field.last;
    }
    line += fields.takeLines();
    if (record.fields.some((value) => tidyName(value) !== '')) yield record;
  }
}

function delimiterOf(text: string): string {
  const [header = ''] = /\S[^\r\n]*/.exec(text) ?? [];
  return /[,;\t]/.exec(header.replace(/"[^"]*"/g, ''))?.[0] ?? ',';
}

/**
 * Reads one field at a time. The regular expressions contain no repeated groups, because these would overflow the stack
 * if a field is long.
 */
class Fields {
  readonly #text: string;
  readonly #plain: RegExp;
  readonly #end: RegExp;
  readonly #delimiter: string;
  #at: number;
  /** Position up to which line ends have been counted */
  #counted: number;

  constructor(text: string, delimiter: string, start: number) {
    const escaped = delimiter.replace(/[\\\]^-]/, '\\$&');
    this.#text = text;
    this.#delimiter = delimiter;
    this.#plain = new RegExp(`[^"\\r\\n${escaped}]*`, 'y');
    this.#end = new RegExp(` *([${escaped}]|\\r\\n?|\\n|$)`, 'y');
    this.#at = start;
    this.#counted = start;
  }

  /** Advances to the next line that has text. @returns whether there is one */
  toRecord(): boolean {
    this.#take(/[\r\n]*/y);
    return this.#at < this.#text.length;
  }

  /** Counts the line ends since the last call. */
  takeLines(): number {
    let lines = 0;
    for (; this.#counted < this.#at; this.#counted++) {
      const character = this.#text[this.#counted];
      if (character === '\n' || (character === '\r' && this.#text[this.#counted + 1] !== '\n')) lines++;
    }
    return lines;
  }

  /** @returns undefined if quotes are invalid */
  next(): { value: string; last: boolean } | undefined {
    const value = this.#take(/ *"/y) === undefined ? this.#take(this.#plain) : this.#quoted();
    const end = value === undefined ? undefined : this.#take(this.#end);
    return value === undefined || end === undefined ? undefined : { value, last: !end.endsWith(this.#delimiter) };
  }

  /** Reads the rest of a field after its opening quote. */
  #quoted(): string | undefined {
    const start = this.#at;
    let end = this.#text.indexOf('"', start);
    while (end >= 0 && this.#text[end + 1] === '"') end = this.#text.indexOf('"', end + 2);
    if (end < 0) return undefined;
    this.#at = end + 1;
    return this.#text.slice(start, end).replaceAll('""', '"');
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [match] = pattern.exec(this.#text) ?? [];
    if (match !== undefined) this.#at += match.length;
    return match;
  }
}
