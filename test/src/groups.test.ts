import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeResults } from '@cryfold/evaluation';
import { cryfold, ownStore, temporaryFolder } from './command.js';
import { putTones } from './public-corpora.js';
import { withoutRedis } from './testbed.js';

/** Matches statements in the output that are only true if the groups of the data are known. */
const PROMISE = /no (infant|group|recording) is in train and test|every clip is a group of its own|infant/;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (...parts: string[]) => join(folder.path, ...parts);
const run = (out: string, data: string, ...flags: string[]) =>
  cryfold(['run', path('svm.yaml'), '--data', path(data), ...ownStore(path(out)), '--workers', '1', ...flags]);
const resultsOf = async (out: string) => decodeResults(await readFile(path(out, 'results.json')), out);

const FILES = [0, 1].flatMap((label) =>
  [0, 1, 2].flatMap((rec) =>
    [1, 2].map((part) => ({ file: `${['low', 'high'][label]}/rec${rec}_0${part}.wav`, label })),
  ),
);

before(async () => {
  folder = await temporaryFolder();
  const spec = 'version: 1\nname: svm\nprotocol: { folds: 2, repeats: 1 }\nestimators: { svm: { kind: svm } }\n';
  await writeFile(path('svm.yaml'), spec);
  await putTones(path('data'), FILES);
  const rows = FILES.map(({ file, label }) => `${file},${['low', 'high'][label]},${file.slice(0, -7)}`);
  await writeFile(path('data', 'infant.csv'), `${['path,label,infant', ...rows].join('\n')}\n`);
});
after(() => folder?.remove());

test('refuses grouped folds of class folders before writing anything, and the suggested fix works', {
  skip: withoutRedis,
}, async () => {
  for (const protocol of ['grouped', 'logo']) {
    const refused = await run('refused', 'data', '--protocol', protocol, '--json');
    assert.equal(refused.code, 10);
    const { error } = JSON.parse(refused.stdout);
    assert.equal(error.code, 'GROUPS_UNKNOWN');
    for (const way of [
      '--group-by folder',
      '--group-by REGEX',
      '--group-by recording',
      'path,label,group',
      '--group-duplicates',
    ])
      assert.ok(error.hint.includes(way), way);
    assert.deepEqual(await readdir(path('refused')).catch(() => []), []);
    const [, pattern, count] = /--group-by '([^']+)', which forms (\d) groups/.exec(error.message)!;
    const inspected = await cryfold(['data', 'inspect', path('data'), '--group-by', pattern]);
    assert.match(inspected.stdout, /3 groups from 12 recordings, 4 each, such as rec0/);
    if (protocol === 'logo') continue;
    const grouped = await run('pattern', 'data', '--protocol', protocol, '--group-by', pattern);
    assert.equal(grouped.code, 0, grouped.stderr);
    assert.match(grouped.stderr, /note: --group-by .*: 3 groups from 12 recordings/);
    assert.match(grouped.stdout, /^grouped folds: no group is in train and test$/m);
    const { dataset } = await resultsOf('pattern');
    assert.deepEqual([dataset.groups, dataset.groupSource], [Number(count), { kind: 'pattern', name: pattern }]);
  }
});

test('makes no claims about groups for data without known groups, from the terminal to the model card', {
  skip: withoutRedis,
}, async () => {
  const random = await run('random', 'data');
  assert.equal(random.code, 0, random.stderr);
  assert.match(random.stdout, /^ungrouped folds: groups are not known, so recordings from one source may be/m);
  assert.match(random.stdout, /Groups are not known: intervals and p-values treat recordings as independent/);
  assert.match(random.stderr, /note: file names look like parts of recordings .*--group-by/);
  const final = await cryfold([
    'train-final',
    'latest',
    '--store',
    path('random', 'store'),
    '--name',
    'tones',
    '--json',
  ]);
  assert.equal(final.code, 0, final.stderr);
  const { card } = JSON.parse(final.stdout);
  assert.deepEqual(card.data.groupSource, { kind: 'none' });
  const shown = await cryfold(['models', 'show', `tones@${card.version}`, '--store', path('random', 'store')]);
  const compared = await cryfold(['compare', path('random'), path('random')]);
  for (const text of [
    random.stdout,
    await readFile(path('random', 'report.html'), 'utf8'),
    card.limits.join('\n'),
    shown.stdout,
    compared.stdout,
  ]) {
    assert.doesNotMatch(text, PROMISE);
    assert.match(text, /groups are not known/i);
  }
});

test('--group-duplicates keeps only equal sounds together, and trusts declared groups', {
  skip: withoutRedis,
}, async () => {
  const copy = await readFile(path('data', FILES[0].file));
  await putTones(path('copied'), FILES);
  await writeFile(path('copied', 'low', 'copy.wav'), copy);
  const joined = await run('joined', 'copied', '--protocol', 'grouped', '--group-duplicates');
  assert.equal(joined.code, 0, joined.stderr);
  assert.match(joined.stdout, /^folds grouped by equal sounds: groups are not known/m);
  assert.doesNotMatch(joined.stdout, PROMISE);
  const stated = await run('stated', 'data', '--protocol', 'grouped', '--group-by', 'recording');
  assert.equal(stated.code, 0, stated.stderr);
  assert.match(stated.stdout, /^ungrouped folds: every clip is a group of its own$/m);
});

test('reports an unread manifest column, and uses it on request', {
  skip: withoutRedis,
}, async () => {
  const refused = await run('infant', join('data', 'infant.csv'), '--protocol', 'grouped');
  assert.equal(refused.code, 10);
  assert.match(refused.stderr, /GROUPS_UNKNOWN[\s\S]*column "infant" looks like a group: pass --group-by "infant"/);
  const taken = await run('infant', join('data', 'infant.csv'), '--protocol', 'grouped', '--group-by', 'infant');
  assert.equal(taken.code, 0, taken.stderr);
  const { dataset, protocol } = await resultsOf('infant');
  assert.deepEqual([dataset.groups, dataset.groupSource], [6, { kind: 'column', name: 'infant' }]);
  assert.equal(protocol.label, 'grouped folds: no group is in train and test');
});
