import { relative, resolve, sep } from 'node:path';
import { CryfoldError, canonicalJson, NO_GROUPS, printable, testedOnName } from '@cryfold/core';
import { type Clip, type Dataset, summarize } from './dataset.js';

/** Name of the fold in which the other corpus is tested. */
const FOLD = 'other';

/**
 * Combines two corpora into one dataset: all clips of `base` are training clips, and all clips of `other` are tested in
 * a single fold. Ids and groups of the other corpus start with `@NAME/`. However, if both corpora take their groups
 * from the same kind of file name, groups keep their names, so equal names mean the same group. Groups are known only
 * if they are known in both corpora.
 * @throws CryfoldError CLASSES_DIFFER
 */
export function testOnOther(base: Dataset, other: Dataset): Dataset {
  if (canonicalJson(base.classes) !== canonicalJson(other.classes)) {
    const [own, tested] = [base, other].map(({ name, classes }) => `${name} has ${classes.map(printable).join(', ')}`);
    throw new CryfoldError('CLASSES_DIFFER', `${own}; ${tested}`, {
      context: { data: base.name, other: other.name },
      hint: 'Rename or remove classes so that both corpora have the same classes. For example, list the recordings in a CSV manifest with the columns path,label,group.',
    });
  }
  let prefix = `@${other.name}/`;
  while (base.clips.some(({ id }) => id.startsWith(prefix))) prefix = `@${prefix}`;
  const [from, to] = [base.groupSource, other.groupSource];
  const known = [from, to].every(({ kind }) => kind !== 'none' && kind !== 'sounds');
  const shared = from.kind === 'file-name' && base.reader === other.reader;
  const movedFile = (file: string) => relative(base.root, resolve(other.root, file)).split(sep).join('/');
  const moved = (clip: Clip): Clip => ({
    ...clip,
    id: `${prefix}${clip.id}`,
    group: shared ? clip.group : `${prefix}${clip.group}`,
    file: movedFile(clip.file),
    fold: FOLD,
  });
  const facts = {
    name: testedOnName(base.name, other.name),
    ...{ root: base.root, reader: base.reader, groupSource: known ? from : NO_GROUPS },
    ownFolds: true,
    skipped: [...base.skipped, ...other.skipped],
    unread: [...base.unread, ...other.unread],
    notes: [...base.notes, ...other.notes.map((line) => `${other.name}: ${line}`)],
    properties: new Map([
      ...base.properties,
      ...Array.from(other.properties, ([file, own]) => [movedFile(file), own] as const),
    ]),
    warnings: [
      ...base.warnings,
      ...other.warnings.map((line) => `${other.name}: ${line}`),
      ...rateWarning(base, other),
    ],
    groupHints: known ? [] : [...base.groupHints, ...other.groupHints.map((line) => `${other.name}: ${line}`)],
  };
  return summarize(facts, [...base.clips.map((clip) => ({ ...clip, fold: '' })), ...other.clips.map(moved)]);
}

/**
 * Warns if the two corpora have different sampling rates, because what a model learns may be little more than the rate.
 */
function rateWarning(...corpora: readonly Dataset[]): string[] {
  const [own, tested] = corpora.map(({ clips }) =>
    [...new Set(clips.map(({ rate }) => rate))].sort((a, b) => a - b).join(', '),
  );
  if (own === tested) return [];
  return [`${corpora[0].name} has ${own} Hz and ${corpora[1].name} ${tested} Hz: results may reflect the rate alone`];
}
