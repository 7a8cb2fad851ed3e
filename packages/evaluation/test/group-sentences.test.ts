import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP_KINDS, type GroupSource } from '@cryfold/core';
import {
  groupsKnown,
  groupsText,
  labelOf,
  protocolLabel,
  type RunResults,
  unitWord,
  unknownGroupsNote,
} from '../src/index.js';

const facts = (kind: GroupSource['kind'] | undefined, groups = 8, name = 'infant') => ({
  ...(kind && { groupSource: { kind, name } }),
  ...{ groups, clips: 40 },
});

test('promises that no group is in both train and test, but only if groups are known', () => {
  const promise = /no [\w ]+ is in train and test|every clip is a group of its own/;
  for (const kind of GROUP_KINDS) {
    for (const groups of [8, 40]) {
      for (const predefined of [false, true]) {
        const known = facts(kind, groups);
        const label = protocolLabel(known, 0, predefined);
        assert.equal(promise.test(label), groupsKnown(known), label);
        assert.equal(/not known/.test(label), !groupsKnown(known), label);
        assert.equal(unknownGroupsNote(known) === undefined, groupsKnown(known));
        assert.doesNotMatch(protocolLabel(known, 3, predefined), promise);
      }
    }
  }
});

test('labels use the word group, and summaries mention infants only if file names identify them', () => {
  assert.equal(protocolLabel(facts('file-name'), 0), 'grouped folds: no group is in train and test');
  const spanning = protocolLabel(facts('file-name'), 2);
  assert.equal(spanning, 'ungrouped folds: clips of the same group are in train and test');
  assert.equal(protocolLabel(facts('file-name', 40), 0), 'ungrouped folds: every clip is a group of its own');
  assert.equal(protocolLabel(facts('recording'), 0), 'grouped folds: no group is in train and test');
  assert.equal(groupsText(facts('file-name')), '8 infants, by file name');
  assert.equal(protocolLabel(facts('column', 8, 'infant'), 0, true), 'predefined folds: no group is in train and test');
  assert.equal(groupsText(facts('column', 8, 'speaker')), '8 groups, by column speaker');
  const partial = { ...facts('column'), groupSource: { kind: 'column', name: 'g', partial: true } } as const;
  assert.match(protocolLabel(partial, 0), /no group is in train and test, but some recordings have no group/);
  assert.match(groupsText(partial), /by column g, but some recordings have no group/);
  assert.equal(groupsText(facts('none')), 'not known: each recording counts as its own group');
  for (const kind of GROUP_KINDS) {
    assert.doesNotMatch(protocolLabel(facts(kind), 0), /infant/);
  }
});

test('drops unfounded promises from labels of earlier versions, and keeps recorded facts', () => {
  const stored = (label: string, groups: number, groupsSpanning: number) =>
    labelOf({
      dataset: { groups, clips: 40 },
      protocol: { label, groupsSpanning, splitter: 'RepeatedKFold' },
    } as unknown as RunResults);
  assert.match(stored('random folds: no two clips share an infant', 40, 0), /^ungrouped folds: groups are not known/);
  const spanning = 'random folds: the same infant is in train and test';
  assert.equal(stored(spanning, 8, 3), spanning);
  const grouped = 'grouped folds: no infant is in train and test';
  assert.equal(stored(grouped, 8, 0), `${grouped} (how groups were found is not recorded)`);
});

test('describes every source of groups', () => {
  const texts: Record<GroupSource['kind'], string> = {
    column: '8 groups, by column site',
    'file-name': '8 sites, by file name',
    folder: '8 folders, by folder',
    recording: '8 recordings, one per recording, as the user specified',
    pattern: '8 groups, by pattern site',
    sounds: 'not known: only equal sounds are kept together',
    none: 'not known: each recording counts as its own group',
  };
  for (const kind of GROUP_KINDS) assert.equal(groupsText(facts(kind, 8, 'site')), texts[kind]);
  assert.equal(groupsText(facts(undefined)), '8 groups (how they were found is not recorded)');
  assert.equal(groupsText(facts(undefined, 40)), '40 groups (one per clip: not known)');
  assert.equal(groupsText(facts('pattern', 1, 'a\u001bb')), '1 group, by pattern a\ufffdb');
  assert.equal(groupsText({ groupSource: { kind: 'file-name' }, groups: 1, clips: 2 }), '1 group, by file name');
});

test('statistical tests treat groups as independent if groups are known, and recordings otherwise', () => {
  for (const kind of GROUP_KINDS) {
    assert.equal(unitWord(facts(kind)), kind === 'none' || kind === 'sounds' ? 'recording' : 'group');
  }
  assert.equal(unitWord(facts(undefined)), 'group');
  assert.equal(unitWord(facts(undefined, 40)), 'recording');
});

test('fold labels state what is in train and test, regardless of the splitter', () => {
  for (const [kind, spanning, predefined, label] of [
    ['sounds', 0, false, /^folds grouped by equal sounds: groups are not known, so other recordings from one source/],
    ['sounds', 1, false, /^ungrouped folds: groups are not known, so other recordings/],
    ['sounds', 1, true, /^predefined folds: groups are not known, so other recordings/],
    [
      'none',
      1,
      false,
      /^ungrouped folds: clips of the same recording are in train and test, and groups are not known$/,
    ],
    [
      'none',
      0,
      true,
      /^predefined folds: groups are not known, so recordings from one source may be in train and test$/,
    ],
    ['folder', 1, true, /^predefined folds: clips of the same group are in train and test$/],
  ] as const)
    assert.match(protocolLabel(facts(kind), spanning, predefined), label);
  assert.equal(protocolLabel(facts('folder', 40), 0, true), 'predefined folds: every clip is a group of its own');
});

test('the caveat for unknown groups states what counts as independent', () => {
  assert.match(unknownGroupsNote(facts('none')) ?? '', /independent \(each recording counts as one\)/);
  assert.match(unknownGroupsNote(facts('sounds')) ?? '', /independent \(equal sounds count as one\)/);
});

test('keeps a stored label if the source of the groups is recorded, and labels predefined folds as such', () => {
  const stored = (dataset: object, splitter: string) =>
    labelOf({ dataset, protocol: { label: 'as stored', groupsSpanning: 0, splitter } } as unknown as RunResults);
  assert.equal(stored(facts('none'), 'KFold'), 'as stored');
  assert.match(stored(facts(undefined, 40), 'PredefinedSplit'), /^predefined folds: groups are not known/);
});
