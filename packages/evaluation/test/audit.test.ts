import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type GroupSource, NO_GROUPS, Random } from '@cryfold/core';
import { type Audit, type AuditedRecording, auditRecordings, auditSchema } from '../src/index.js';

const GROUPS: GroupSource = { kind: 'column', name: 'speaker' };
/** Created for each test, so that no test depends on the tests before it. */
let random: Random;
beforeEach(() => {
  random = new Random(4);
});

/** Returns recordings that differ only by chance, assigned to each class in turn. */
function clean(
  count: number,
  classes: readonly string[],
  change: (i: number) => Partial<AuditedRecording> = () => ({}),
) {
  return Array.from(
    { length: count },
    (_, i): AuditedRecording => ({
      ...{ label: classes[i % classes.length], group: `g${i}`, clips: 1, format: 'WAV', rate: 16000, bits: 16 },
      ...{
        channels: 1,
        seconds: 1 + random.uniform(),
        level: random.normal(-20, 3),
        bandwidth: random.uniform(2e3, 7e3),
      },
      ...{ silence: random.uniform(0, 0.2), clipping: 0, ...change(i) },
    }),
  );
}

function audit(
  recordings: readonly AuditedRecording[],
  {
    groupSource = NO_GROUPS,
    sounds = [],
  }: { groupSource?: GroupSource; sounds?: { label: string; group: string }[][] } = {},
): Audit {
  const classes = [...new Set(recordings.map(({ label }) => label))].sort();
  const found = auditRecordings({ recordings, classes, groupSource, sounds });
  assert.deepEqual(auditSchema.parse(found), found);
  return found;
}

const kinds = ({ findings }: Audit) => findings.map(({ kind }) => kind);
const textOf = ({ findings }: Audit, kind: string) => findings.find((one) => one.kind === kind)?.text ?? '';
const setOf = ({ predictability }: Audit, name: string) => {
  assert.ok(typeof predictability === 'object', String(predictability));
  return predictability.sets.find((set) => set.name === name);
};

test('reports the class whose sampling rate no other class has', () => {
  const found = audit(clean(60, ['x', 'y', 'z'], (i) => ({ rate: i % 3 === 0 ? 16000 : 44100 })));
  assert.match(textOf(found, 'property-tells-class'), /class x has 16,000 Hz, all others 44,100 Hz/);
  assert.match(textOf(found, 'file-properties-predict'), /sampling rate/);
  assert.equal(setOf(found, 'file')?.pValue, 0.005);
});

test('finds a sampling rate that only makes a class more likely, which a list of rates does not show', () => {
  const found = audit(clean(100, ['x', 'y'], (i) => ({ rate: i % 2 === (i % 10 < 2 ? 0 : 1) ? 16000 : 44100 })));
  assert.ok(!kinds(found).includes('property-tells-class'));
  assert.match(textOf(found, 'file-properties-predict'), /balanced accuracy of 80\.0 % \(chance: 50\.0 %\)/);
});

test('reports that level or bandwidth reveals the class, and suggests listening to recordings', () => {
  const found = audit(clean(80, ['x', 'y'], (i) => ({ level: i % 2 === 0 ? -10 - i / 80 : -30 - i / 80 })));
  const finding = found.findings.find(({ kind }) => kind === 'sound-properties-predict');
  assert.match(finding?.text ?? '', /level alone 100\.0 %.*listen to some recordings of each class/);
  assert.equal(finding?.severity, 'warning');
  assert.equal(setOf(found, 'file'), undefined, 'no file property varies');
});

test('reports hardly any findings about recordings that differ only by chance', () => {
  const claims = Array.from({ length: 50 }, () => audit(clean(40, ['x', 'y'])))
    .map(kinds)
    .filter((found) => found.includes('sound-properties-predict'));
  // With a threshold of p <= 0.01, four or more false findings in 50 audits have a probability of 0.002.
  assert.ok(claims.length <= 3, `${claims.length} of 50`);
});

test('does not treat a property of each group as evidence if a class has few groups', () => {
  // Ten recordings of each of eight speakers: each speaker has a different level, and all recordings of a speaker
  // belong to the same class.
  const levels = Array.from({ length: 8 }, () => random.normal(-20, 8));
  const speakers = clean(80, ['x', 'y'], (i) => ({
    ...{ group: `s${i % 8}`, level: levels[i % 8] + random.normal(0, 0.1) },
  }));
  const known = audit(speakers, { groupSource: GROUPS });
  const unknown = audit(speakers.map((one, i) => ({ ...one, group: `g${i}` })));
  assert.ok((setOf(unknown, 'all')?.pValue ?? 1) <= 0.01, 'without groups, speakers are recognised');
  assert.ok((setOf(known, 'all')?.pValue ?? 0) > 0.01, 'with groups, speakers are not recognised');
  assert.ok(kinds(known).includes('groups-in-one-class'));
});

test('reports that there are too few recordings or groups to test', () => {
  const few = audit(clean(8, ['x', 'y'], (i) => ({ rate: i % 2 === 0 ? 16000 : 44100 })));
  assert.equal(few.predictability, 'too few recordings');
  assert.deepEqual(kinds(few), ['property-tells-class', 'few-recordings', 'untested', 'groups-unknown']);
  const narrow = audit(
    clean(40, ['x', 'y'], (i) => ({ group: `s${i % 4}` })),
    { groupSource: GROUPS },
  );
  assert.equal(narrow.predictability, 'too few groups');
  assert.match(textOf(narrow, 'few-groups'), /class x comes from 2 groups, class y comes from 2 groups/);
});

test('reports a class with few recordings, and tests the others', () => {
  const found = audit([...clean(40, ['x', 'y']), ...clean(2, ['rare'])]);
  assert.match(textOf(found, 'few-recordings'), /class rare has 2/);
  assert.equal(typeof found.predictability === 'object' && found.predictability.classes, 2);
});

test('reports that sounds in several classes have contradictory labels', () => {
  const of = (label: string, group: string) => ({ label, group });
  const sounds = [
    [of('x', 'a'), of('y', 'b')],
    [of('x', 'a'), of('x', 'a')],
  ];
  const found = audit(clean(40, ['x', 'y']), { sounds });
  assert.deepEqual(found.sounds, { shared: 2, clips: 4, inSeveralClasses: 1, inSeveralGroups: 1 });
  assert.match(textOf(found, 'sounds-in-several-classes'), /^1 sound is in clips of different classes/);
});

test('an audit is reproducible', () => {
  const recordings = clean(30, ['x', 'y', 'z']);
  assert.deepEqual(audit(recordings), audit(recordings));
});

test('an audit uses at most 600 recordings of 60 classes', () => {
  const classes = Array.from({ length: 80 }, (_, c) => `c${c}`);
  const found = audit(
    clean(4000, classes, (i) => ({ rate: 8000 + (i % 80), bandwidth: 1000, level: -20, silence: 0, seconds: 1 })),
  );
  const { predictability } = found;
  assert.ok(typeof predictability === 'object' && predictability.recordings <= 600 && predictability.classes === 60);
  assert.ok((setOf(found, 'file')?.balancedAccuracy ?? 0) > 0.95, 'each class has a leaf of its own');
});

test('an audit also draws recordings from small groups, so that grouped folds are possible', () => {
  const recordings = clean(4006, ['x', 'y'], (i) => ({ group: i < 6 ? `small-${i}` : `large-${i % 2}` }));
  const { predictability } = audit(recordings, { groupSource: GROUPS });
  assert.ok(typeof predictability === 'object' && predictability.recordings === 600);
  assert.equal(predictability.groups, 8);
});
