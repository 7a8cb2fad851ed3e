import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../paths.js';

/** Escapes text for a cell of a Markdown table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

/** Formats code for a cell of a Markdown table. */
export const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** Returns a Markdown table, or an empty text if there are no rows. */
export function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Writes a generated page to docs/. */
export const writePage = (name: string, text: string): void => writeFileSync(join(ROOT, 'docs', name), text);
