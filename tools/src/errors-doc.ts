// Writes docs/errors.md from the codes in packages/core/src/errors.ts.
import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '@cryfold/core';

const rows = Object.entries(ERROR_CODES).map(
  ([code, [failure, meaning]]) => `| \`${code}\` | ${failure} | ${meaning} |`,
);
writeFileSync(
  new URL('../../../docs/errors.md', import.meta.url),
  `# Error codes

Written by \`tools/errors-doc\`; a test compares it with the code. Every message also names the file, line, key or clip,
and says what to do.

What a class means: *usage* – nothing was started; *input* – the same inputs fail again, so it is never retried;
*infrastructure* – retried with growing pauses; *crash* – retried a few times on a fresh process.

| code | class | meaning |
|---|---|---|
${rows.join('\n')}
`,
);
