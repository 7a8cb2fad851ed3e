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

Meaning of the classes: *usage* – nothing was started; *input* – the same inputs fail again, so cryfold does not retry;
*infrastructure* – retried with growing pauses; *crash* – retried a few times in a new process.

An input error in one fold affects only that fold, and the other folds of its trial are still trained. An error with a
code marked *trial* affects something that all folds of the trial share, so cryfold also gives up the folds of the trial
that are still waiting.

| code | class | meaning |
|---|---|---|
${rows.join('\n')}
`,
);
