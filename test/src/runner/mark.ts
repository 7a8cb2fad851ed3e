// scripts/test loads this module before each test file. Processes that the test file starts get its name in their
// environment, and its temporary files go into a separate folder. leftovers.ts reads both.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';

const { env } = process;
if (env.NODE_TEST_CONTEXT && !env.CRYFOLD_TEST_FILE) {
  const parts = process.argv[1].split(sep);
  // packages/NAME/dist/test/FILE, tools/dist/test/FILE or test/dist/src/FILE
  const name = `${parts[parts.lastIndexOf('dist') - 1]}.${basename(process.argv[1], '.test.js')}`;
  env.CRYFOLD_TEST_FILE = name;
  env.TMPDIR = join(tmpdir(), name);
  mkdirSync(env.TMPDIR, { recursive: true });
}
