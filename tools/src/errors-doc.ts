// Writes docs/errors.md from the codes in packages/core/src/errors.ts.
import { writeFileSync } from 'node:fs';
import { ERROR_CODES, type FailureClass, type FailureScope } from '@cryfold/core';

const rows = Object.entries<readonly [FailureClass, string, FailureScope?]>(ERROR_CODES).map(
  ([code, [failure, meaning, scope]]) => `| \`${code}\` | ${failure}${scope ? `, ${scope}` : ''} | ${meaning} |`,
);
writeFileSync(
  new URL('../../../docs/errors.md', import.meta.url),
  `# Error codes

Written by \`tools/errors-doc\`; a test compares it with the code. Every message also names the file, line, key or clip,
and says what to do.

What a class means: *usage* – nothing was started; *input* – the same inputs fail again, so it is never retried;
*infrastructure* – retried with growing pauses; *crash* – retried a few times on a fresh process.

An input error of one fold concerns that fold only, and the other folds of its trial are still trained. The codes marked
*trial* concern what all folds of a trial share, so those that still wait are given up as well.

| code | class | meaning |
|---|---|---|
${rows.join('\n')}
`,
);
