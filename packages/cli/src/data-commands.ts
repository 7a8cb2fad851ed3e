import { counted, printable } from '@cryfold/core';
import {
  type ChangeDates,
  changeDates,
  type DatasetSummary,
  type Durations,
  decodingOnce,
  describeProblems,
  inspectDataset,
  measureDurations,
  namesAll,
  type ReadOptions,
  readDataset,
  synthesizeCorpus,
} from '@cryfold/corpus';
import { groupsKnown, groupsText } from '@cryfold/evaluation';
import type { DataOptions } from './data-options.js';
import { EXIT } from './exit-codes.js';
import { formatSeconds } from './format.js';
import { listingProblems, writeProblems } from './problems.js';
import { ProgressDisplay } from './progress.js';
import { jsonText, say } from './terminal.js';

export interface InspectOptions extends DataOptions {
  clipSeconds: number;
  hopSeconds?: number;
  shortClips?: ReadOptions['shortClips'];
  skipBad: boolean;
  /** File that lists all bad recordings */
  problems?: string;
  json: boolean;
}

/** `cryfold data inspect PATH` */
export function dataInspectCommand(path: string, options: InspectOptions): Promise<number> {
  return decodingOnce(() => inspect(path, options));
}

async function inspect(path: string, options: InspectOptions): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const { clipSeconds, hopSeconds, shortClips, skipBad, groupBy, layout } = options;
  const durations = await measureDurations(path, { clipSeconds, layout }, (done, total) =>
    display.update(`measuring ${done}/${total} files`),
  ).finally(() => display.clear());
  // Printed before reading, because reading may fail if recordings are too short.
  if (!options.json) say(`${durationLines(durations, clipSeconds).join('\n')}\n`);
  const list = { file: options.problems };
  const dataset = await listingProblems(list, () =>
    readDataset(path, {
      ...{ clipSeconds, hopSeconds, shortClips, skipBad, groupBy, layout },
      onProgress: (done, total) => display.update(`reading ${done}/${total} files`),
    }),
  ).finally(() => display.clear());
  await writeProblems(dataset.skipped, list);
  const summary = inspectDataset(dataset);
  const changed = await changeDates(dataset);
  const protocols = protocolsFor(summary);
  say(
    options.json
      ? `${jsonText({ ...summary, durations, changed, protocols })}\n`
      : summaryText(summary, changed, protocols),
  );
  return EXIT.done;
}

/** Durations of the recordings, and a clip length that suits them. */
function durationLines(
  { recordings, quantiles, short, proposedClipSeconds }: Durations,
  clipSeconds: number,
): string[] {
  if (recordings === 0) return [];
  const names = new Map([
    [0, 'shortest'],
    [0.5, 'median'],
    [1, 'longest'],
  ]);
  const parts = quantiles.map(
    ({ share, seconds }) => `${names.get(share) ?? `${100 * share} %`} ${Number(seconds.toPrecision(3))} s`,
  );
  const lines = [`durations: ${parts.join(', ')}`];
  if (short > 0) lines.push(`${short} of ${recordings} recordings are shorter than a clip of ${clipSeconds} s`);
  if (proposedClipSeconds !== undefined) {
    lines.push(`proposed: clipSeconds: ${proposedClipSeconds}, or shortClips: pad, drop or error in the spec`);
  }
  return lines;
}

/**
 * Values of `--protocol` that this data supports: `grouped` and `logo` need known groups, and `predefined` needs folds
 * in the data.
 */
function protocolsFor(summary: DatasetSummary): string[] {
  const { groupSource, groups, clips, ownFolds } = summary;
  return [
    'paper',
    ...(groupsKnown({ groupSource, groups, clips }) && groups > 1 ? ['grouped', 'logo'] : []),
    ...(ownFolds ? ['predefined'] : []),
  ];
}

function summaryText(summary: DatasetSummary, changed: ChangeDates | undefined, protocols: readonly string[]): string {
  const width = Math.max(...summary.classes.map(({ label }) => label.length), 'class'.length);
  const row = (label: string, clips: string | number, share: string, groups: string | number) =>
    `  ${printable(label).padEnd(width)}  ${String(clips).padStart(6)}  ${share.padStart(6)}  ${String(groups).padStart(6)}`;
  const lines = [
    `${printable(summary.name)}: ${counted(summary.clips, 'clip')} of ${counted(summary.recordings, 'recording')}, ${formatSeconds(summary.seconds)} of sound, read as ${summary.reader}`,
    ...(changed ? [`recordings last changed: ${datesText(changed)}`] : []),
    `sample rates: ${summary.rates.map(({ rate, clips }) => `${rate} Hz (${counted(clips, 'clip')})`).join(', ')}`,
    `groups: ${groupsLine(summary)}`,
    row('class', 'clips', 'share', 'groups'),
    ...summary.classes.map(({ label, clips, groups }) =>
      row(label, clips, `${((100 * clips) / summary.clips).toFixed(1)} %`, groups),
    ),
    `protocols: ${protocols.join(', ')}`,
    ...summary.warnings.map((warning) => `warning: ${printable(warning)}`),
    ...summary.notes.map(printable),
    ...(summary.decoders.length > 0 ? [`decoded by: ${summary.decoders.join(', ')}`] : []),
    ...describeProblems(summary.skipped).map((line) => `skipped: ${printable(line)}`),
    ...(namesAll(summary.skipped) ? [] : ['--problems FILE lists all skipped recordings']),
    `content hash: ${summary.contentHash}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** A date such as `2026-11-27T07:48`, or the first and the last date. */
function datesText({ first, last }: ChangeDates): string {
  const [from, to] = [first, last].map((date) => date.slice(0, 16));
  return from === to ? from : `${from} to ${to}`;
}

/** The groups with their sizes, or a note that they are unknown. */
function groupsLine(summary: DatasetSummary): string {
  const { groupSource, groups, clips, grouped, groupPreview } = summary;
  const facts = { groupSource, groups, clips };
  if (!groupsKnown(facts)) return groupsText(facts);
  const alike = grouped ? '' : ' (one per clip, so grouped folds are the same as random folds)';
  return `${groupsText(facts)}: ${groupPreview}${alike}`;
}

export interface SynthOptions {
  clips?: number;
  seed: number;
  json: boolean;
}

/** `cryfold data synth DIR` */
export async function dataSynthCommand(dir: string, options: SynthOptions): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const { clips, seed } = options;
  await synthesizeCorpus(dir, {
    seed,
    ...(clips === undefined ? {} : { clips }),
    onProgress: (done, total) => display.update(`writing ${done}/${total} clips`),
  });
  display.clear();
  return dataInspectCommand(dir, { clipSeconds: 1, skipBad: false, json: options.json });
}
