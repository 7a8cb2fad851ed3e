import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP_KINDS, type GroupSource } from '@cryfold/core';
import { groupsKnown, groupsText, labelOf, protocolLabel, type RunResults, unknownGroupsNote } from '../src/index.js';

const facts = (kind: GroupSource['kind'] | undefined, groups = 8, name = 'infant') => ({
  ...(kind && { groupSource: { kind, name } }),
  ...{ groups, clips: 40 },
});

test('promises that no group is in train and test only if groups are known', () => {
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

test('labels say group; the kind of group is named once, and infants only with file names of infants', () => {
  assert.equal(protocolLabel(facts('file-name'), 0), 'grouped folds: no group is in train and test');
  const spanning = protocolLabel(facts('file-name'), 2);
  assert.equal(spanning, 'ungrouped folds: clips of the same group are in train and test');
  assert.equal(protocolLabel(facts('file-name', 40), 0), 'ungrouped folds: every clip is a group of its own');
  assert.equal(protocolLabel(facts('recording'), 0), 'grouped folds: no group is in train and test');
  assert.equal(groupsText(facts('file-name')), '8 infants, by file name');
  assert.equal(protocolLabel(facts('column', 8, 'infant'), 0, true), 'predefined folds: no group is in train and test');
  assert.equal(groupsText(facts('column', 8, 'speaker')), '8 groups, by column speaker');
  const partial = { ...facts('column'), groupSource: { kind: 'column', name: 'g', partial: true } } as const;
  assert.match(protocolLabel(partial, 0), /no group is in train and test, but some recordings have none/);
  assert.match(groupsText(partial), /by column g, but some recordings have none/);
  assert.equal(groupsText(facts('none')), 'not known: each recording counts as its own group');
  for (const kind of GROUP_KINDS) {
    assert.doesNotMatch(protocolLabel(facts(kind), 0), /infant/);
  }
});

test('drops unfounded promises of earlier versions and keeps recorded facts', () => {
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
