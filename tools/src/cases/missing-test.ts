import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../paths.js';
import type { Case } from './case.js';

/** Returns the problem with the tests of a case, if there is one. */
export async function missingTest({ tests, pending }: Pick<Case, 'tests' | 'pending'>): Promise<string | undefined> {
  if (tests.length === 0) return pending ? undefined : 'no test covers it';
  for (const { file, name } of tests) {
    const text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
    // In the source, the name may be a string in single quotes.
    if (!text.includes(name) && !text.includes(name.replaceAll("'", "\\'"))) return `${file} has no test "${name}"`;
  }
  return undefined;
}
