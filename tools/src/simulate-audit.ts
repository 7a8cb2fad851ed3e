// Measures how often `cryfold data audit` claims that properties of recordings predict the class, on simulated data
// where the truth is known: data whose properties are independent of the class, and data with a planted property.
// Prints a Markdown table.
//
//   tools/simulate-audit --cases 200
//
// Every recording has a level, a bandwidth and a share of silence. In data with groups, half of the variance of each
// property belongs to the group, groups have 1 to 12 recordings, and each group either has one class or draws from all
// classes.
import { parseArgs } from 'node:util';
import { deriveSeed, NO_GROUPS, Random } from '@cryfold/core';
import { type AuditedRecording, auditRecordings } from '@cryfold/evaluation';
import { markdownTable, shareText } from './estimates.js';
import { wholeOption } from './options.js';

const { values } = parseArgs({ options: { cases: { type: 'string', default: '200' } } });
const CASES = wholeOption('cases', values.cases);

interface World {
  name: string;
  classes: number;
  /** Number of recordings or, if the data has groups, number of groups */
  units: number;
  groups: 'none' | 'one class each' | 'all classes';
  /** Number of standard deviations by which the level of one class differs */
  planted: number;
}

const WORLDS: World[] = [
  { name: '20 recordings', classes: 2, units: 20, groups: 'none', planted: 0 },
  { name: '200 recordings', classes: 5, units: 200, groups: 'none', planted: 0 },
  { name: '12 groups of one class each', classes: 2, units: 12, groups: 'one class each', planted: 0 },
  { name: '40 groups of one class each', classes: 4, units: 40, groups: 'one class each', planted: 0 },
  { name: '40 groups with all classes', classes: 4, units: 40, groups: 'all classes', planted: 0 },
  { name: '40 recordings, one class 2 sd louder', classes: 2, units: 40, groups: 'none', planted: 2 },
  {
    name: '40 groups of one class each, one class 2 sd louder',
    classes: 2,
    units: 40,
    groups: 'one class each',
    planted: 2,
  },
];

function draw({ classes, units, groups, planted }: World, random: Random): AuditedRecording[] {
  const recordings: AuditedRecording[] = [];
  for (let unit = 0; unit < units; unit++) {
    const size = groups === 'none' ? 1 : 1 + random.below(12);
    const own = [0, 1, 2].map(() => random.normal());
    for (let i = 0; i < size; i++) {
      const label = groups === 'all classes' ? random.below(classes) : unit % classes;
      const [level, bandwidth, silence] = own.map((value) => (value + random.normal()) / Math.SQRT2);
      recordings.push({
        ...{ label: `class-${label}`, group: `${unit}`, clips: 1, format: 'WAV', rate: 16000, bits: 16, channels: 1 },
        ...{ seconds: 1, level: level + (label === 0 ? planted : 0), bandwidth, silence, clipping: 0 },
      });
    }
  }
  return recordings;
}

function claims(world: World, seed: number): boolean {
  const recordings = draw(world, new Random(seed));
  const classes = [...new Set(recordings.map(({ label }) => label))].sort();
  const groupSource = world.groups === 'none' ? NO_GROUPS : ({ kind: 'column', name: 'group' } as const);
  const { findings } = auditRecordings({ recordings, classes, groupSource, sounds: [] });
  return findings.some(({ kind }) => kind === 'sound-properties-predict');
}

const rows = WORLDS.map((world) => {
  const found = Array.from({ length: CASES }, (_, i) => claims(world, deriveSeed('audit', world.name, i)));
  return [world.name, `${world.classes}`, shareText(found.filter((one) => one).length, CASES)];
});
process.stdout.write(`${markdownTable([['world', 'classes', 'claimed, % (95 % interval)'], ...rows])}\n`);
