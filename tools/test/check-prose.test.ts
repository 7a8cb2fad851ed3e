import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPhrases } from '../src/prose/find-phrases.js';
import { PROSE_RULES } from '../src/prose/rules.js';

/** These words are split so that no rule matches this file. */
const AGAIN = `an${'ew'}`;
const CONTINUES = ['go', 'es on'].join('');

const found = (path: string, text: string) => findPhrases(path, text).map(({ line, phrase }) => `${line} ${phrase}`);

test('finds forbidden phrases in comments, strings of several words and templates, but not in code', () => {
  const script = [
    `const ${AGAIN} = '${AGAIN}'; // Reads it ${AGAIN}.`,
    `log('reads it ${AGAIN}');`,
    `log(\`reads \${run(/${AGAIN} x/)} ${AGAIN}\`);`,
  ].join('\n');
  assert.deepEqual(
    found('a.ts', script).map((fault) => fault.toLowerCase()),
    [1, 2, 3].map((line) => `${line} ${AGAIN}`),
  );
});

test('finds a forbidden phrase that a line break splits', () => {
  const [goes, on] = CONTINUES.split(' ');
  assert.deepEqual(found('a.ts', `/**\n * The run ${goes}\n * ${on}.\n */`), [`2 ${CONTINUES}`]);
  assert.deepEqual(found('a.ts', `// The run ${goes}\n// ${on}.`), [`1 ${CONTINUES}`]);
  assert.deepEqual(found('a.md', `# Runs\n\nThe run ${goes}\n${on}.`), [`3 ${CONTINUES}`]);
});

test('matches only whole words, in any case, and ignores names in backticks', () => {
  assert.deepEqual(found('a.md', `R${AGAIN} and \`${AGAIN}\`; ${AGAIN.toUpperCase()}.`), [`1 ${AGAIN.toUpperCase()}`]);
});

test('no rule about prose suggests anything that another rule forbids', () => {
  const suggestions = PROSE_RULES.map(({ instead }) => instead).join('\n');
  assert.deepEqual(findPhrases('suggestions.md', suggestions), []);
});

test('no tracked file contains a forbidden phrase', () => {
  const command = fileURLToPath(new URL('../../check-prose', import.meta.url));
  const { status, stdout, stderr } = spawnSync(command, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});
