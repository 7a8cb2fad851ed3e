import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { findTool, S3_TOOLS, S3Server } from '@cryfold/testing';
import { cryfold, processes, start, TINY_SPEC, temporaryFolder } from './command.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: S3Server | undefined;

before(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'tiny.yaml'), TINY_SPEC);
  await synthesizeCorpus(join(folder.path, 'corpus'), { clips: 60, seed: 1 });
  for (const tool of S3_TOOLS) {
    const program = await findTool(tool);
    if (program) server ??= await S3Server.start({ tool, program });
  }
});
after(async () => {
  await server?.stop();
  await folder.remove();
});

const args = (out: string) => {
  const path = (name: string) => join(folder.path, name);
  const flags = ['--estimators', 'small-cnn,svm', '--workers', '1'];
  return ['run', path('tiny.yaml'), '--data', path('corpus'), '--out', path(out), ...flags];
};

test('produces the same bytes in S3 as in a folder, and reveals no secrets', async (t) => {
  if (!server) return t.skip(`no S3 server: neither ${S3_TOOLS.join(' nor ')} on PATH, in $CRYFOLD_TOOLS or cached`);
  const files = await cryfold(args('files'), { CRYFOLD_STORE: join(folder.path, 'store') });
  assert.equal(files.code, 0, files.stderr);
  const running = start(args('s3'), server.environment('runs/here'));
  let seen = '';
  const look = setInterval(() => {
    seen += processes('')
      .map(({ command }) => command)
      .join('\n');
  }, 500);
  const ended = await running.ended;
  clearInterval(look);
  assert.equal(ended.code, 0, ended.stderr);
  const table = (out: string) => readFile(join(folder.path, out, 'out-of-fold.csv'));
  assert.deepEqual(await table('s3'), await table('files'));
  assert.ok(!(await readdir(join(folder.path, 's3'))).includes('store'), 'only copies of the results are local');
  const logs = /logs in (\S+)/.exec(ended.stderr)?.[1] ?? assert.fail(ended.stderr);
  t.after(() => rm(dirname(resolve(logs)), { recursive: true }));
  const again = await cryfold(args('s3'), server.environment('runs/here'));
  assert.match(again.stderr, /already in the store/);
  let told = ended.stdout + ended.stderr + seen;
  for (const name of await readdir(logs)) {
    told += await readFile(join(logs, name), 'utf8');
  }
  assert.match(told, /training-child\.js/);
  assert.ok(!told.includes(server.secretKey));
});
