import { counted, type GroupSource, printable } from '@cryfold/core';
import type { RunResults } from './results.js';

/** Facts about a dataset that determine how its groups are described. */
export interface GroupFacts {
  /** Absent if it was not recorded, as in records written by earlier versions */
  groupSource?: GroupSource | undefined;
  groups: number;
  clips: number;
}

/**
 * Whether groups represent who or what was recorded. If the source of the groups was not stored, groups count as known
 * whenever clips share groups, as in earlier versions.
 */
export function groupsKnown({ groupSource, groups, clips }: GroupFacts): boolean {
  return groupSource ? groupSource.kind !== 'none' && groupSource.kind !== 'sounds' : groups < clips;
}

/**
 * Returns the word for one group: `infant` if the groups are infants identified by file name, `recording` or `folder`
 * if each recording or folder is a group, otherwise `group`.
 */
export function groupWord({ groupSource }: Pick<GroupFacts, 'groupSource'>): string {
  const { kind = 'none', name = 'group' } = groupSource ?? {};
  if (kind === 'file-name') return name;
  return kind === 'folder' || kind === 'recording' ? kind : 'group';
}

/**
 * Returns the word for the unit that statistical tests treat as independent. In tables by group, each row is one such
 * unit.
 */
export function unitWord(facts: GroupFacts): 'group' | 'recording' {
  return groupsKnown(facts) ? 'group' : 'recording';
}

const PARTIAL = 'but some recordings have no group, and each counts as its own';

/** Returns how groups were determined, for use after a comma or in brackets: `by column speaker`. */
function knownBy({ kind, name: written = '', partial }: GroupSource): string {
  const name = printable(written);
  const by: Record<GroupSource['kind'], string> = {
    column: `by column ${name}`,
    'file-name': 'by file name',
    folder: 'by folder',
    recording: 'one per recording, as the user specified',
    pattern: `by pattern ${name}`,
    sounds: 'not known: only equal sounds are kept together',
    none: 'not known: each recording counts as its own group',
  };
  return partial ? `${by[kind]}, ${PARTIAL}` : by[kind];
}

/**
 * Returns a short description of the groups, such as `73 infants, by file name`, or a statement that the groups are
 * unknown.
 */
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
 * Returns the label that is shown next to a protocol's figures. The label depends on what the folds actually do, not on
 * the splitter.
 * @param spanning number of groups that have clips in both the training and the test set of at least one split
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
    return `${what}: groups are not known, so other recordings from one source may be in train and test`;
  }
  if (!groupsKnown(facts)) {
    return spanning > 0
      ? `${drawn}: clips of the same recording are in train and test, and groups are not known`
      : `${drawn}: groups are not known, so recordings from one source may be in train and test`;
  }
  if (spanning > 0) return `${drawn}: clips of the same group are in train and test`;
  const kept = predefined ? drawn : 'grouped folds';
  return groups < clips ? `${kept}: no group is in train and test` : `${drawn}: every clip is a group of its own`;
}

/**
 * Returns the protocol label of a stored run. Labels stored by earlier versions promised that no infant is in both
 * train and test, even if the groups were unknown.
 */
export function labelOf({ dataset, protocol }: Pick<RunResults, 'dataset' | 'protocol'>): string {
  const { label, groupsSpanning, splitter } = protocol;
  if (dataset.groupSource) return label;
  if (!groupsKnown(dataset)) return protocolLabel(dataset, groupsSpanning, splitter === 'PredefinedSplit');
  return groupsSpanning > 0 ? label : `${label} (how groups were found is not recorded)`;
}

/** If groups are unknown, returns the caveat for intervals and p-values by group; otherwise, returns undefined. */
export function unknownGroupsNote(facts: GroupFacts): string | undefined {
  if (groupsKnown(facts)) return undefined;
  const unit = facts.groupSource?.kind === 'sounds' ? 'equal sounds count as one' : 'each recording counts as one';
  return `Groups are not known: intervals and p-values treat recordings as independent (${unit}). If some recordings come from the same source, intervals are too narrow and p-values too small.`;
}
