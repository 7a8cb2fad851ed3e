import { printable } from '@cryfold/core';
import { type Audit, type FILE_PROPERTIES, propertyWord, valueText } from '@cryfold/evaluation';
import { alignColumns, paint, type TextOptions } from './text.js';

/** Maximum number of values of a property to list in a table. */
const LISTED = 3;

export interface AuditTable {
  title: string;
  rows: string[][];
}

/** Returns the measurements of an audit as tables. The first row of each table is its header. */
export function auditTables(audit: Audit): AuditTable[] {
  const { perClass } = audit;
  const unit = audit.groupsKnown ? 'groups' : 'groups (not known)';
  return [
    {
      title: 'Recordings by class',
      rows: [
        ['class', 'recordings', 'clips', 'minutes', unit, 'recordings per group, median', 'most'],
        ...perClass.map(({ label, recordings, clips, seconds, groups, recordingsPerGroup: { median, most } }) => [
          printable(label),
          ...[recordings, clips, (seconds / 60).toFixed(1), groups, median, most].map(String),
        ]),
      ],
    },
    {
      title: 'Files by class: values with the number of recordings',
      rows: [
        ['class', 'format', 'sampling rate', 'bit depth', 'channels'],
        ...perClass.map(({ label, formats, rates, bits, channels }) => [
          printable(label),
          valuesText('format', formats),
          valuesText('rate', rates),
          valuesText('bits', bits),
          valuesText('channels', channels),
        ]),
      ],
    },
    {
      title: 'Sound by class: median, with the 5th and 95th percentile of the recordings in brackets',
      rows: [
        ['class', 'seconds', 'level, dBFS', 'bandwidth, Hz', 'silence, %', 'clipping, %'],
        ...perClass.map(({ label, duration, level, bandwidth, silence, clipping }) => [
          printable(label),
          spreadText(duration, 2),
          spreadText(level, 1),
          spreadText(bandwidth, 0),
          (100 * silence).toFixed(1),
          (100 * clipping).toFixed(2),
        ]),
      ],
    },
    ...predictionTable(audit),
  ];
}

function predictionTable({ predictability }: Audit): AuditTable[] {
  if (typeof predictability === 'string') return [];
  const { sets, alone, classes, recordings, groups } = predictability;
  const names = { file: 'file properties together', all: 'all together' };
  const row = (name: string, { balancedAccuracy, pValue }: { balancedAccuracy: number; pValue: number }) => [
    name,
    (100 * balancedAccuracy).toFixed(1),
    pValue.toFixed(3),
  ];
  const of = groups === undefined ? '' : ` of ${groups} groups`;
  return [
    {
      title: `Predicting the class from properties alone: ${recordings} recordings${of}, ${classes} classes, chance ${(100 / classes).toFixed(1)} %`,
      rows: [
        ['properties', 'balanced accuracy, %', 'permutation p'],
        ...sets.map((set) => row(names[set.name], set)),
        ...alone.map((one) => row(propertyWord(one.property), one)),
      ],
    },
  ];
}

type Values = Audit['perClass'][number]['rates'];

function valuesText(property: (typeof FILE_PROPERTIES)[number], values: Values): string {
  const text = values.slice(0, LISTED).map(({ value, recordings }) => `${valueText(property, value)} (${recordings})`);
  return `${text.join(', ')}${values.length > LISTED ? ', ...' : ''}`;
}

function spreadText({ low, median, high }: Audit['perClass'][number]['level'], digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

/** An audit as terminal text: first its findings, then its tables. Lines are separated by LF, with no trailing LF. */
export function auditText(audit: Audit, { color = false }: TextOptions = {}): string {
  const findings = audit.findings.map(({ severity, text }) =>
    paint(`${severity}: ${text}`, severity === 'warning' ? 'red' : 'dim', color),
  );
  const tables = auditTables(audit).map(({ title, rows }) => {
    const [head, ...body] = alignColumns(rows);
    return [paint(title, 'bold', color), head, ...body].join('\n');
  });
  return [findings.length > 0 ? findings.join('\n') : 'No suspicious properties found.', ...tables].join('\n\n');
}
