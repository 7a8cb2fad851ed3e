import { tidyName } from './names.js';

export interface CsvRecord {
  /** on which it starts, counted from 1 */
  line: number;
  fields: string[];
}

/**
 * Records of a table of delimited text: RFC 4180, and what programs make of it. The delimiter is the first of comma,
 * semicolon and tab in the first line with text, or what a first line `sep=;` names; lines end with LF, CRLF or CR.
 * Blanks may stand around a quoted field. Records without text, which spreadsheets leave behind, are left out.
 * @param invalid makes the error of a line
 */
export function parseCsv(text: string, invalid: (line: number, why: string) => Error): CsvRecord[] {
  const named = /^sep=([^\r\n])(?:\r\n?|\n)/i.exec(text);
  const delimiter = named?.[1] ?? delimiterOf(text);
  const escaped = delimiter.replace(/[\\\]^-]/, '\\$&');
  const field = new RegExp(`(?: *"([^"]*(?:""[^"]*)*)" *|([^"\\r\\n${escaped}]*))([${escaped}]|\\r\\n?|\\n|$)`, 'y');
  const records: CsvRecord[] = [];
  let line = named ? 2 : 1;
  field.lastIndex = named?.[0].length ?? 0;
  while (field.lastIndex < text.length) {
    const record: CsvRecord = { line, fields: [] };
    let end = delimiter;
    while (end === delimiter) {
      const match = field.exec(text);
      if (!match) throw invalid(line, 'a quote is not closed or stands within an unquoted field');
      record.fields.push(match[1]?.replaceAll('""', '"') ?? match[2]);
      line += match[0].match(/\r\n?|\n/g)?.length ?? 0;
      end = match[3];
    }
    if (record.fields.some((value) => tidyName(value) !== '')) records.push(record);
  }
  return records;
}

function delimiterOf(text: string): string {
  const [header = ''] = /\S[^\r\n]*/.exec(text) ?? [];
  return /[,;\t]/.exec(header.replace(/"[^"]*"/g, ''))?.[0] ?? ',';
}
