import { counted, printable } from '@cryfold/core';
import { groupWord } from '../group-sentences.js';
import { type AuditedRecording, type AuditInput, propertyOf } from './audit-input.js';
import { type Audit, FILE_PROPERTIES, type Finding, type Property } from './audit-record.js';
import { AUDIT_FOLDS, AUDIT_GROUPS, type Prediction } from './predictability.js';

/** P-values up to this value count as significant; see docs/audit.md. */
const SIGNIFICANT = 0.01;
/**
 * How far above chance a balanced accuracy must be to be worth reporting, and the balanced accuracy at which a property
 * practically reveals the class.
 */
const WORTH = 0.05;
const DECIDES = 0.95;
/** Minimum number of recordings that a class needs for its values to be reported. */
const LEAST_VALUES = 3;
const NAMED = 3;

type Facts = Omit<Audit, 'findings'>;

/** Returns warnings about the data, most severe first. */
export function findingsOf(input: AuditInput, facts: Facts): Finding[] {
  const { findings: ofValues, properties } = tellingValues(input.recordings, input.classes);
  return [
    ...ofValues,
    ...predictionFindings(facts, properties),
    ...soundFindings(facts),
    ...classFindings(input, facts),
    ...groupFindings(input, facts),
  ].sort((a, b) => Number(a.severity === 'note') - Number(b.severity === 'note'));
}

const PROPERTY_WORDS: Record<Property, string> = {
  format: 'file format',
  rate: 'sampling rate',
  bits: 'bit depth',
  channels: 'number of channels',
  seconds: 'duration',
  level: 'level',
  bandwidth: 'bandwidth',
  silence: 'share of silence',
  clipping: 'share of clipped samples',
};

/** Returns the name of a property for readers. */
export function propertyWord(property: Property): string {
  return PROPERTY_WORDS[property];
}

const VALUE_TEXT: Record<(typeof FILE_PROPERTIES)[number], (value: string | number) => string> = {
  format: (value) => `${value}`,
  rate: (value) => `${Number(value).toLocaleString('en')} Hz`,
  bits: (value) => (value === 0 ? 'a lossy codec' : `${value} bits`),
  channels: (value) => counted(Number(value), 'channel'),
};

/** Returns a value of a file property as text, such as `44,100 Hz`. */
export function valueText(property: (typeof FILE_PROPERTIES)[number], value: string | number): string {
  return VALUE_TEXT[property](value);
}

/** Finds classes whose files have values of a property that no other class has. */
function tellingValues(recordings: readonly AuditedRecording[], classes: readonly string[]) {
  const findings: Finding[] = [];
  const properties: Property[] = [];
  for (const property of FILE_PROPERTIES) {
    const held = new Map(classes.map((label) => [label, new Map<string | number, number>()]));
    for (const one of recordings) {
      const values = held.get(one.label)!;
      const value = propertyOf(one, property);
      values.set(value, (values.get(value) ?? 0) + 1);
    }
    const owners = new Map<string | number, number>();
    for (const values of held.values())
      for (const value of values.keys()) owners.set(value, (owners.get(value) ?? 0) + 1);
    const telling = classes.filter((label) => {
      const values = held.get(label)!;
      const count = [...values.values()].reduce((sum, own) => sum + own, 0);
      return count >= LEAST_VALUES && [...values.keys()].every((value) => owners.get(value) === 1);
    });
    if (telling.length === 0) continue;
    properties.push(property);
    findings.push({ kind: 'property-tells-class', severity: 'warning', text: tellingText(property, telling, held) });
  }
  return { findings, properties };
}

function tellingText(
  property: (typeof FILE_PROPERTIES)[number],
  telling: readonly string[],
  held: ReadonlyMap<string, ReadonlyMap<string | number, number>>,
): string {
  const list = (values: Iterable<string | number>) => {
    const texts = [...new Set(values)].map((value) => valueText(property, value));
    return texts.length > NAMED ? `${texts.slice(0, NAMED).join(', ')}...` : texts.join(' or ');
  };
  const one = (label: string) => `class ${printable(label)} has ${list(held.get(label)!.keys())}`;
  const others = [...held].filter(([label]) => label !== telling[0]);
  const what =
    telling.length === 1
      ? `${one(telling[0])}, all others ${list(others.flatMap(([, values]) => [...values.keys()]))}`
      : `${telling.slice(0, NAMED).map(one).join(', ')}${telling.length > NAMED ? `, and similarly for ${telling.length} classes in total` : ''}`;
  return `The ${propertyWord(property)} alone distinguishes classes: ${what}. Models may learn it instead of the sound. Convert or record all recordings in the same way.`;
}

/** Whether it is worth reporting that properties predict the class. */
export function isTelling({ balancedAccuracy, pValue }: Prediction, classes: number): boolean {
  return pValue <= SIGNIFICANT && balancedAccuracy >= 1 / classes + WORTH;
}

function predictionFindings({ predictability }: Facts, named: readonly Property[]): Finding[] {
  if (typeof predictability === 'string') {
    if (predictability === 'no variation') return [];
    const least = `two classes with ${AUDIT_FOLDS} recordings`;
    const needed =
      predictability === 'too few groups'
        ? `${least} of ${AUDIT_GROUPS} groups each, and ${AUDIT_FOLDS} groups in total`
        : `${least} each`;
    const text = `The audit did not test whether the properties of the recordings predict the class: the test needs ${needed}.`;
    return [{ kind: 'untested', severity: 'note', text }];
  }
  const { classes, sets, alone } = predictability;
  const [file, all] = ['file', 'all'].map((name) => sets.find((set) => set.name === name));
  const findings: Finding[] = [];
  if (file && isTelling(file, classes)) {
    const text = `File properties alone (${words(file.properties)}) predict the class: ${figures(file, predictability)}. Models may learn how the files were made instead of the sound.`;
    findings.push({ kind: 'file-properties-predict', severity: 'warning', text });
  }
  if (all && isTelling(all, classes) && (!file || all.balancedAccuracy > file.balancedAccuracy + WORTH)) {
    const strongest = alone
      .filter((one) => isTelling(one, classes) && !named.includes(one.property))
      .sort((a, b) => b.balancedAccuracy - a.balancedAccuracy)
      .slice(0, NAMED)
      .map((one) => `${propertyWord(one.property)} alone ${percent(one.balancedAccuracy)}`);
    const mostly = strongest.length > 0 ? ` (${strongest.join(', ')})` : '';
    const decides = all.balancedAccuracy >= DECIDES;
    const text = `A few properties of each recording (${words(all.properties)}) predict the class: ${figures(all, predictability)}${mostly}. The sounds of a class may cause this, or the way it was recorded: listen to some recordings of each class.`;
    findings.push({ kind: 'sound-properties-predict', severity: decides ? 'warning' : 'note', text });
  }
  return findings;
}

const words = (properties: readonly Property[]) => properties.map(propertyWord).join(', ');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Describes the balanced accuracy, the level of chance, and the data on which the accuracy is based. */
function figures(
  { balancedAccuracy, pValue }: Prediction,
  { classes, recordings, groups, folds }: Exclude<Facts['predictability'], string>,
): string {
  const basis = `${recordings} recordings${groups === undefined ? '' : ` of ${groups} groups`}`;
  return `a small decision tree has a balanced accuracy of ${percent(balancedAccuracy)} (chance: ${percent(1 / classes)}) (${folds} ${groups === undefined ? 'stratified' : 'grouped'} folds of ${basis}, permutation p ${pValue.toFixed(3)})`;
}

function soundFindings({
  sounds: { shared, clips, inSeveralClasses, inSeveralGroups },
  groupsKnown,
}: Facts): Finding[] {
  const findings: Finding[] = [];
  if (inSeveralClasses > 0) {
    const text = `${counted(inSeveralClasses, 'sound')} ${inSeveralClasses === 1 ? 'is' : 'are'} in clips of different classes: their labels contradict each other.`;
    findings.push({ kind: 'sounds-in-several-classes', severity: 'warning', text });
  }
  if (shared > 0) {
    const apart = groupsKnown && inSeveralGroups > 0 ? `, ${inSeveralGroups} of them in several groups` : '';
    const text = `${counted(shared, 'sound')} ${shared === 1 ? 'occurs' : 'occur'} more than once, in ${clips} clips that are equal or overlap${apart}. --protocol grouped with --group-duplicates keeps them together.`;
    findings.push({ kind: 'shared-sounds', severity: 'note', text });
  }
  return findings;
}

function classFindings({ groupSource }: AuditInput, { perClass, groupsKnown }: Facts): Finding[] {
  const findings: Finding[] = [];
  const small = perClass.filter(({ recordings }) => recordings < AUDIT_FOLDS);
  if (small.length > 0) {
    const text = `Fewer than ${AUDIT_FOLDS} recordings: ${list(small, ({ label, recordings }) => `class ${label} has ${recordings}`)}. ${its(small)} figures mean little, and some folds may contain no clips of such a class.`;
    findings.push({ kind: 'few-recordings', severity: 'warning', text });
  }
  const narrow = groupsKnown
    ? perClass.filter(({ recordings, groups }) => recordings >= AUDIT_FOLDS && groups < AUDIT_GROUPS)
    : [];
  if (narrow.length > 0) {
    const word = groupWord({ groupSource });
    const text = `Fewer than ${AUDIT_GROUPS} ${word}s: ${list(narrow, ({ label, groups }) => `class ${label} comes from ${counted(groups, word)}`)}. ${its(narrow)} figures do not generalise to other ${word}s.`;
    findings.push({ kind: 'few-groups', severity: 'warning', text });
  }
  return findings;
}

const its = ({ length }: readonly unknown[]) => (length === 1 ? 'Its' : 'Their');

function list<T extends { label: string }>(all: readonly T[], text: (one: T) => string): string {
  const rest = all.length - NAMED;
  const named = all.slice(0, NAMED).map((one) => text({ ...one, label: printable(one.label) }));
  return `${named.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function groupFindings({ recordings, groupSource }: AuditInput, { groupsKnown }: Facts): Finding[] {
  if (!groupsKnown) {
    const text =
      'Groups are unknown: recordings from the same source cannot be identified, so recordings count as independent.';
    return [{ kind: 'groups-unknown', severity: 'note', text }];
  }
  const groups = new Map<string, { labels: Set<string>; recordings: number }>();
  for (const { group, label } of recordings) {
    const own = groups.get(group) ?? { labels: new Set(), recordings: 0 };
    own.labels.add(label);
    own.recordings++;
    groups.set(group, own);
  }
  const large = [...groups.values()].filter((group) => group.recordings > 1);
  if (large.length === 0 || large.some(({ labels }) => labels.size > 1)) return [];
  const word = groupWord({ groupSource });
  const text = `Every ${word} has recordings of only one class, so a model that recognises the ${word} also predicts the class. Random folds cannot separate the two: use --protocol grouped.`;
  return [{ kind: 'groups-in-one-class', severity: 'warning', text }];
}
