import { groupsKnown } from '../group-sentences.js';
import { type AuditedRecording, type AuditInput, propertyOf } from './audit-input.js';
import { type Audit, FILE_PROPERTIES, PROPERTIES, type Property } from './audit-record.js';
import { findingsOf } from './findings.js';
import { testPredictability } from './predictability.js';

/** Maximum number of values to list for a property. */
const LISTED = 10;

/**
 * Summarises properties of recordings by class, and tests whether they alone predict the class. Equal input produces an
 * equal audit.
 */
export function auditRecordings(input: AuditInput): Audit {
  const { recordings, classes, groupSource, sounds } = input;
  const groups = new Set(recordings.map(({ group }) => group)).size;
  const clips = recordings.reduce((sum, one) => sum + one.clips, 0);
  const known = groupsKnown({ groupSource, groups, clips });
  const several = (of: 'label' | 'group') =>
    sounds.filter((members) => new Set(members.map((member) => member[of])).size > 1).length;
  const index = new Map(classes.map((label, c) => [label, c]));
  const facts = {
    recordings: recordings.length,
    clips,
    groups,
    groupsKnown: known,
    perClass: classes.map((label) =>
      summarizeClass(
        label,
        recordings.filter((one) => one.label === label),
      ),
    ),
    sounds: {
      shared: sounds.length,
      clips: sounds.reduce((sum, members) => sum + members.length, 0),
      inSeveralClasses: several('label'),
      inSeveralGroups: several('group'),
    },
    predictability: testPredictability(
      {
        labels: Int32Array.from(recordings, ({ label }) => index.get(label)!),
        classes: classes.length,
        groups: known ? recordings.map(({ group }) => group) : undefined,
        properties: new Map(PROPERTIES.map((property) => [property, columnsOf(property, recordings)])),
      },
      [
        { name: 'file', properties: FILE_PROPERTIES },
        { name: 'all', properties: PROPERTIES },
      ],
    ) as Audit['predictability'],
  };
  return { ...facts, findings: findingsOf(input, facts) };
}

function columnsOf(property: Property, recordings: readonly AuditedRecording[]): Float64Array[] {
  if (property !== 'format') return [Float64Array.from(recordings, (one) => Number(propertyOf(one, property)))];
  // Format names have no order, so each name becomes a separate column.
  const names = [...new Set(recordings.map(({ format }) => format))].sort();
  return names.map((name) => Float64Array.from(recordings, ({ format }) => (format === name ? 1 : 0)));
}

function summarizeClass(label: string, recordings: readonly AuditedRecording[]): Audit['perClass'][number] {
  const sizes = new Map<string, number>();
  for (const { group } of recordings) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const perGroup = [...sizes.values()].sort((a, b) => a - b);
  const spread = (property: 'seconds' | 'level' | 'bandwidth') => {
    const sorted = recordings.map((one) => one[property]).sort((a, b) => a - b);
    return { low: at(sorted, 0.05), median: at(sorted, 0.5), high: at(sorted, 0.95) };
  };
  const mean = (property: 'silence' | 'clipping') =>
    recordings.reduce((sum, one) => sum + one[property], 0) / recordings.length;
  return {
    label,
    recordings: recordings.length,
    clips: recordings.reduce((sum, { clips }) => sum + clips, 0),
    seconds: recordings.reduce((sum, { seconds }) => sum + seconds, 0),
    groups: sizes.size,
    recordingsPerGroup: { median: at(perGroup, 0.5), most: perGroup[perGroup.length - 1] },
    formats: mostCommon('format', recordings),
    rates: mostCommon('rate', recordings),
    bits: mostCommon('bits', recordings),
    channels: mostCommon('channels', recordings),
    duration: spread('seconds'),
    level: spread('level'),
    bandwidth: spread('bandwidth'),
    silence: mean('silence'),
    clipping: mean('clipping'),
  };
}

/** Returns the smallest of the sorted values that at least the given share of the values does not exceed. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function mostCommon(property: Property, recordings: readonly AuditedRecording[]) {
  const counts = new Map<string | number, number>();
  for (const one of recordings) {
    const value = propertyOf(one, property);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return Array.from(counts, ([value, own]) => ({ value, recordings: own }))
    .sort((a, b) => b.recordings - a.recordings || (a.value < b.value ? -1 : 1))
    .slice(0, LISTED);
}
