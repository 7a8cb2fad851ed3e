#!/usr/bin/env node
// Writes docs/errors.md from the codes in packages/core/src/errors.ts (built).
import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../packages/core/dist/src/index.js';

const rows = Object.entries(ERROR_CODES).map(
  ([code, [failure, meaning]]) => `| \`${code}\` | ${failure} | ${meaning} |`,
);
writeFileSync(
  new URL('../docs/errors.md', import.meta.url),
  `# Error codes

Written by \`scripts/errors-doc.mjs\`; a test compares it with the code. Every message also names the file, line, key or clip,
and says what to do.

What a class means: *usage* – nothing was started; *input* – the same inputs fail again, so it is never retried;
*infrastructure* – retried with growing pauses; *crash* – retried a few times on a fresh process.

| code | class | meaning |
|---|---|---|
${rows.join('\n')}
`,
);
