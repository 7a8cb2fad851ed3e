import { printable } from '@cryfold/core';
import { decodingOnce, readDataset, sharedSounds } from '@cryfold/corpus';
import type { Audit } from '@cryfold/evaluation';
import { auditDataset } from '@cryfold/local-run';
import { cutOptions } from '@cryfold/plan';
import { auditText } from '@cryfold/report';
import { asTyped, quoted } from './command-text.js';
import type { DataOptions } from './data-options.js';
import { EXIT } from './exit-codes.js';
import { readSpec } from './prepare.js';
import { listingProblems, sayProblems } from './problems.js';
import { ProgressDisplay } from './progress.js';
import { colors, jsonText, say } from './terminal.js';

export interface AuditOptions extends DataOptions {
  spec?: string;
  /** File that lists all bad recordings */
  problems?: string;
  json: boolean;
}

/** Maximum number of warnings in the short form. */
const SHORT = 4;
const ADVISES_GROUPED = 'groups-in-one-class';

/** `cryfold data audit PATH`. Skips and lists bad recordings, and pads short ones unless the spec says otherwise. */
export function dataAuditCommand(path: string, options: AuditOptions): Promise<number> {
  return decodingOnce(() => audit(path, options));
}

async function audit(path: string, options: AuditOptions): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  const { groupBy, layout } = options;
  const list = { file: options.problems };
  const cut = options.spec === undefined ? {} : cutOptions(await readSpec(options.spec));
  const read = async () => {
    const dataset = await readDataset(path, {
      ...{ shortClips: 'pad', skipBad: true, groupBy, layout, ...cut },
      onProgress: (done, total) => display.update(`reading ${done}/${total} files`),
    });
    display.update('comparing sounds');
    const sounds = await sharedSounds(dataset);
    display.update('auditing recordings');
    return { dataset, found: auditDataset(dataset, sounds) };
  };
  const { dataset, found } = await listingProblems(list, read).finally(() => display.clear());
  await sayProblems(dataset, list, display);
  const { name, reader, skipped, warnings, notes, contentHash } = dataset;
  if (options.json) say(`${jsonText({ name, reader, contentHash, ...found, warnings, notes, skipped })}\n`);
  else {
    const extent = `${found.recordings} recordings, ${found.clips} clips, ${found.perClass.length} classes, read as ${reader}`;
    say(`${printable(name)}: ${extent}\n\n${auditText(found, { color: colors() })}\n`);
  }
  return EXIT.done;
}

/**
 * The short form of an audit, which is printed before a run: the warnings, and the command that prints all figures.
 * @param given the data, and the flags that describe it
 * @param grouped whether the run already keeps groups together; if so, the warning that recommends this is omitted
 */
export function auditLines({ findings }: Audit, given: DataOptions & { data: string }, grouped: boolean): string[] {
  const own = findings.filter(({ kind, severity }) => severity === 'warning' && !(grouped && kind === ADVISES_GROUPED));
  const warnings = own.map(({ text }) => `audit: ${text}`);
  const rest = warnings.length - SHORT;
  const { data, groupBy, layout } = given;
  const words = [
    ...['cryfold', 'data', 'audit', data],
    ...(groupBy === undefined ? [] : ['--group-by', groupBy]),
    ...(layout === undefined ? [] : ['--layout', layout]),
  ];
  const command = asTyped(words.map(quoted).join(' '));
  const more = `audit: ${rest > 0 ? `${rest} more warnings; ` : ''}all figures: ${command}`;
  return warnings.length === 0 ? [] : [...warnings.slice(0, SHORT), more];
}
