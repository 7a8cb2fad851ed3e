import { counted, type GroupSource, printable } from '@cryfold/core';
import type { RunResults } from './results.js';

/** What sentences about the groups of a dataset need to know. */
export interface GroupFacts {
  /** Absent if not recorded, as in records of earlier versions */
  groupSource?: GroupSource | undefined;
  groups: number;
  clips: number;
}

/**
 * Whether groups represent who or what was recorded. If that is not recorded, groups count as known if clips share
 * some, as in earlier versions.
 */
export function groupsKnown({ groupSource, groups, clips }: GroupFacts): boolean {
  return groupSource ? groupSource.kind !== 'none' && groupSource.kind !== 'sounds' : groups < clips;
}

/**
 * The word for one group: `infant` if groups come from file names of infants, `recording` or `folder`, otherwise
 * `group`.
 */
export function groupWord({ groupSource }: Pick<GroupFacts, 'groupSource'>): string {
  const { kind = 'none', name = 'group' } = groupSource ?? {};
  if (kind === 'file-name') return name;
  return kind === 'folder' || kind === 'recording' ? kind : 'group';
}

/** What tests treat as independent, which is also the row of tables by group. */
export function unitWord(facts: GroupFacts): 'group' | 'recording' {
  return groupsKnown(facts) ? 'group' : 'recording';
}

const PARTIAL = 'but some recordings have none, and each counts as its own';

/** How groups were determined, for use after a comma or in brackets: `by column speaker`. */
function knownBy({ kind, name: written = '', partial }: GroupSource): string {
  const name = printable(written);
  const by: Record<GroupSource['kind'], string> = {
    column: `by column ${name}`,
    'file-name': 'by file name',
    folder: 'by folder',
    recording: 'one per recording, as the user stated',
    pattern: `by pattern ${name}`,
    sounds: 'not known: only equal sounds are kept together',
    none: 'not known: each recording counts as its own group',
  };
  return partial ? `${by[kind]}, ${PARTIAL}` : by[kind];
}

/** A short description of the groups, such as `73 infants, by file name`, or that they are unknown. */
export function groupsText(facts: GroupFacts): string {
  const { groupSource, groups } = facts;
  if (!groupSource) {
    const origin = groupsKnown(facts) ? 'how they were found is not recorded' : 'one per clip: not known';
    return `${counted(groups, 'group')} (${origin})`;
  }
  if (!groupsKnown(facts)) return knownBy(groupSource);
  return `${counted(groups, groupWord(facts))}, ${knownBy(groupSource)}`;
}

/**
 * The label with which the figures of a protocol are shown. It depends on what the folds actually do, not on the
 * splitter.
 * @param spanning number of groups that are in both train and test of some split
 */
export function protocolLabel(facts: GroupFacts, spanning: number, predefined = false): string {
  const label = foldsLabel(facts, spanning, predefined);
  return facts.groupSource?.partial ? `${label}, ${PARTIAL}` : label;
}

function foldsLabel(facts: GroupFacts, spanning: number, predefined: boolean): string {
  const { groupSource, groups, clips } = facts;
  const drawn = predefined ? 'predefined folds' : 'ungrouped folds';
  if (groupSource?.kind === 'sounds') {
    const what = spanning > 0 ? drawn : 'folds grouped by equal sounds';
    return `${what}: groups are not known, so other recordings of one source may be in train and test`;
  }
  if (!groupsKnown(facts)) {
    return spanning > 0
      ? `${drawn}: clips of the same recording are in train and test, and groups are not known`
      : `${drawn}: groups are not known, so recordings of one source may be in train and test`;
  }
  if (spanning > 0) return `${drawn}: clips of the same group are in train and test`;
  const kept = predefined ? drawn : 'grouped folds';
  return groups < clips ? `${kept}: no group is in train and test` : `${drawn}: every clip is a group of its own`;
}

/**
 * The protocol label of a stored run. Earlier versions promised that no infant is shared even if groups were unknown.
 */
export function labelOf({ dataset, protocol }: Pick<RunResults, 'dataset' | 'protocol'>): string {
  const { label, groupsSpanning, splitter } = protocol;
  if (dataset.groupSource) return label;
  if (!groupsKnown(dataset)) return protocolLabel(dataset, groupsSpanning, splitter === 'PredefinedSplit');
  return groupsSpanning > 0 ? label : `${label} (how groups were found is not recorded)`;
}

/** The caveat for intervals and p-values by group if groups are unknown; undefined if they are known. */
export function unknownGroupsNote(facts: GroupFacts): string | undefined {
  if (groupsKnown(facts)) return undefined;
  const unit = facts.groupSource?.kind === 'sounds' ? 'equal sounds count as one' : 'each recording counts as one';
  return `Groups are not known: intervals and p-values take recordings for independent (${unit}). If some come from one source, intervals are too narrow and p-values too small.`;
}
