import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recording } from '../src/recording.js';
import { tidyName, unifyNames } from '../src/text/names.js';

const NFC = 'b\u00e9b\u00e9';
const NFD = 'be\u0301be\u0301';

/** Creates recordings with these labels and groups. */
const recordings = (names: [label: string, group?: string][]): Recording[] =>
  names.map(([label, group = `${label}.wav`], i) => ({
    file: group.endsWith('.wav') ? group : `${i}.wav`,
    label,
    group,
  }));
const labelsOf = (all: Recording[]) => all.map((one) => ('label' in one ? one.label : ''));

test('converts a name to one spelling, regardless of white space, invisible characters and Unicode form', () => {
  const same = ['belly pain', ' belly pain\t', '\u00a0belly\u00a0pain', 'belly  pain\u3000', '\ufeffbelly pain\u200b'];
  for (const name of [...same, 'belly\u200b pa\u00adin', 'belly\npain\u200e'])
    assert.equal(tidyName(name), 'belly pain');
  assert.equal(tidyName(NFD), NFC);
  for (const name of ['belly pain', 'Belly', NFC, '食べたい', 'می\u200cخواهم', '__proto__'])
    assert.equal(tidyName(name), name);
  for (const name of ['', ' ', '\u200b', '\u200d\u00a0']) assert.equal(tidyName(name), '');
});

test('reads labels that look alike as one class, and shows the difference in a warning', () => {
  const { recordings: unified, warnings } = unifyNames(
    recordings([['low'], ['low\u00a0'], [NFC], [NFD], [NFC], ['low ']]),
  );
  assert.deepEqual(labelsOf(unified), ['low', 'low', NFC, NFC, NFC, 'low']);
  assert.deepEqual(warnings, [
    'class "low" has 3 spellings that look alike: "low", "low ", "low\\u00a0"',
    `class "${NFC}" has 2 spellings that look alike: "be\\u0301be\\u0301", "${NFC}"`,
  ]);
});

test('treats names that differ only in case as the most frequent one, and warns', () => {
  const { recordings: unified, warnings } = unifyNames(
    recordings([
      ['Low', 'G1'],
      ['low', 'g1'],
      ['low ', 'g1'],
      ['high', 'g2'],
    ]),
  );
  assert.deepEqual(labelsOf(unified), ['low', 'low', 'low', 'high']);
  assert.deepEqual(
    unified.map((one) => ('group' in one ? one.group : '')),
    ['g1', 'g1', 'g1', 'g2'],
  );
  assert.deepEqual(warnings, [
    'classes "Low", "low" differ only in case and are read as "low"',
    'groups "G1", "g1" differ only in case and are read as "g1"',
  ]);
});

test('reports names that are equal as numbers or look like missing values, but keeps them separate', () => {
  const names: [string, string][] = [
    ['1', '007'],
    ['1.0', '7'],
    ['2', 'NA'],
    ['2', '8'],
  ];
  const { recordings: unified, warnings } = unifyNames(recordings(names));
  assert.deepEqual(unified, recordings(names));
  assert.deepEqual(warnings, [
    'classes "1", "1.0" are equal as numbers, but are different classes',
    'groups "007", "7" are equal as numbers, but are different groups',
    'group "NA" looks like a missing value, but is used as a group',
  ]);
});

test('leaves ordinary names, and recordings that are their own group, unchanged', () => {
  const odd = recordings([
    ['x', ' a.wav'],
    ['x', 'A.wav'],
    ['y', `${NFD}.wav`],
  ]);
  assert.deepEqual(unifyNames(odd), { recordings: odd, warnings: [] });
  const members = recordings([
    ['constructor', '__proto__'],
    ['__proto__', 'toString'],
  ]);
  assert.deepEqual(unifyNames(members), { recordings: members, warnings: [] });
});

test('returns only a few warnings about thousands of peculiar groups', () => {
  const many = Array.from({ length: 3000 }, (_, i): [string, string] => ['x', `g${i >> 1}${i % 2 ? ' ' : ''}`]);
  const { warnings } = unifyNames(recordings(many));
  assert.equal(warnings.length, 6);
  assert.equal(warnings[5], 'and 1495 more groups like these');
});
