import { environmentJsonSchema } from '@cryfold/runtime';
import { defaultOf, type Schema, valuesOf } from './json-schema.js';
import { cell, code, table } from './page.js';

/** Variables that libraries, scripts or tests read. */
const OTHERS = {
  'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY':
    'the proxies for --server, S3, downloads of weights and traces, and the hosts that need none',
  'NO_COLOR, FORCE_COLOR': 'print no colours; print them to a pipe, too',
  CRYFOLD_CHILD: 'set for training and predicting processes, so that their temporary files carry their name',
  CRYFOLD_TOOLS: 'tests only: a folder with packed programs of servers, `OS-ARCH/NAME.gz`',
  CRYFOLD_TEST_RUN: 'tests only: set by scripts/test to find what a test leaves behind',
  CRYFOLD_CHECKS_TABLE: 'tests only: set by scripts/test-containers, the file that gets its table of checks',
  CRYFOLD_TEST_ROLLOUT: 'tests only: set by scripts/test-k8s, which has a cluster for rollouts',
  CRYFOLD_UNIT_PEERS: 'tests only: set by scripts/check.mjs to the programs that unit tests may find',
};

/** docs/environment.md: every variable that cryfold reads. */
export function environmentReference(): string {
  const { properties = {} } = environmentJsonSchema() as Schema;
  const rows = Object.entries(properties).map(([name, schema]) => [
    code(name),
    valuesOf(schema),
    defaultOf(schema),
    cell(schema.description ?? ''),
  ]);
  const others = Object.entries(OTHERS).map(([names, meaning]) => [names.split(', ').map(code).join(', '), meaning]);
  return `# Environment variables

Written by \`tools/environment-doc\` from \`packages/runtime/src/environment.ts\`; a test compares it with the code. A flag wins
over its variable. An empty variable counts as unset. A wrong value ends the command with exit code 2 and names the variable.

${table(['variable', 'values', 'default', 'meaning'], rows)}

## Read by libraries, scripts and tests

${table(['variable', 'meaning'], others)}
`;
}
