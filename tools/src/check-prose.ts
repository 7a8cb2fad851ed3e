// Finds archaic and unclear phrases in tracked text: in comments and strings of scripts, and anywhere in documents.
// Usage:
//   tools/check-prose [PATH...]
// Prints `file:line: phrase -> suggestion` and exits with code 1 if there are any. No phrase is exempt.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './paths.js';
import { findPhrases } from './prose/find-phrases.js';

/** The rules and their tests are skipped, because they contain the phrases that they forbid. */
const OWN = /^tools\/(src|test)\/.*prose/;
const READ = /\.(ts|mjs|md|sh|py|ya?ml)$/;

/** Scripts without an extension start with the name of their interpreter. */
function isRead(path: string, text: string): boolean {
  return !OWN.test(path) && (READ.test(path) || text.startsWith('#!'));
}

const { positionals } = parseArgs({ allowPositionals: true });
const tracked = execFileSync('git', ['ls-files', '-z', '-s', '--', ...positionals], { cwd: ROOT, encoding: 'utf8' });
const lines = tracked.split('\0').flatMap((entry) => {
  const [, mode, path] = /^(\d+) .*\t(.*)$/s.exec(entry) ?? [];
  // Skips symbolic links such as tools/NAME, because their targets are read under their own names.
  if (!mode?.startsWith('100')) return [];
  const text = readFileSync(join(ROOT, path), 'utf8');
  if (!isRead(path, text)) return [];
  return findPhrases(path, text).map(({ line, phrase, instead }) => `${path}:${line}: ${phrase} -> ${instead}`);
});
for (const line of lines) console.log(line);
process.exitCode = lines.length > 0 ? 1 : 0;
