import type { DatasetManifest } from '@cryfold/plan';
import type { Heard } from './heard.js';

/**
 * Share of the champion's clips that new data must hold before a stand-in, trained on them, may speak for the champion.
 * The lacking twentieth is less than what each fold takes from both sides (a tenth in 10 folds, a fifth in 5).
 * `tools/simulate-retrain` prints how often a worse model is promoted at each share.
 */
export const STAND_IN_SHARE = 0.95;
/**
 * Groups that a promotion needs. The test itself gives p-values from `LEAST_GROUPS` (6) on, but only for a challenger that
 * wins on nearly all of them, and so few groups say little about others.
 */
export const CONTEST_GROUPS = 10;
/** Clips of each class below which its recall is not judged. */
export const CONTEST_CLIPS = 5;

/**
 * Who stands against the challenger: the stored champion with its own predictions; a stand-in, trained in each fold on
 * what the champion knows of the fold's training clips; or the shares of the classes, where there is no champion.
 */
export type Opponent = 'champion' | 'stand-in' | 'majority';

export interface Contest {
  opponent: Opponent;
  /** Of each split, the positions in its test part on which both are compared */
  rows: number[][];
  /** Different clips and groups among them */
  clips: number;
  groups: number;
}

/** Why nothing can be said. */
export interface Refusal {
  refusal: string;
}

export interface ContestData {
  manifest: Pick<DatasetManifest, 'clips' | 'grouped' | 'groupSource' | 'classes'>;
  /** The challenger's outer folds */
  splits: readonly { train: ArrayLike<number>; test: ArrayLike<number> }[];
  /** Of each sound that several clips hold, equal or overlapping: the indices of these clips */
  sounds: readonly (readonly number[])[];
}

/** What a model was trained on when it predicts a test clip of a split. */
interface Training {
  sound(clip: number): boolean;
  group(clip: number): boolean;
}

/** @param marks of each clip */
function marked(clips: ArrayLike<number>, marks: readonly string[]): (clip: number) => boolean {
  const seen = new Set<string>();
  for (let i = 0; i < clips.length; i++) seen.add(marks[clips[i]]);
  return (clip) => seen.has(marks[clip]);
}

/**
 * The test clips on which a challenger and its opponent are compared: neither was trained on the sound, and both or
 * neither were trained on other clips of the group. (In grouped folds the challenger never was, so these are groups that
 * the opponent does not know either.)
 * @param opponent what the opponent was trained on; its `group` is not asked where it predicts without sounds
 */
function contestOf(
  { manifest: { clips }, splits, sounds }: ContestData,
  opponent: Opponent,
  trainingOf: (train: ArrayLike<number>, marks: { sounds: string[]; groups: string[] }) => Training | undefined,
): Contest {
  const shared = new Map(sounds.flatMap((members, sound) => members.map((clip) => [clip, `sound ${sound}`] as const)));
  const marks = {
    sounds: clips.map(({ id, hash = id }, clip) => shared.get(clip) ?? hash),
    groups: clips.map(({ group }) => group),
  };
  const counted = new Set<number>();
  const rows = splits.map(({ train, test }) => {
    const [hasSound, hasGroup] = [marked(train, marks.sounds), marked(train, marks.groups)];
    const other = trainingOf(train, marks);
    const positions: number[] = [];
    for (let position = 0; position < test.length; position++) {
      const clip = test[position];
      if (hasSound(clip) || other?.sound(clip)) continue;
      if (other && other.group(clip) !== hasGroup(clip)) continue;
      positions.push(position);
      counted.add(clip);
    }
    return positions;
  });
  const groups = new Set(Array.from(counted, (clip) => clips[clip].group)).size;
  return { opponent, rows, clips: counted.size, groups };
}

/** What a contest lacks for a verdict; undefined where it lacks nothing. */
function lackOf({ rows, clips, groups }: Contest, { manifest, splits }: ContestData, judged: ReadonlySet<string>) {
  if (groups < CONTEST_GROUPS)
    return `${clips} comparable clips of ${groups} groups; ${CONTEST_GROUPS} groups are needed`;
  const tested = new Set(rows.flatMap((positions, s) => positions.map((position) => splits[s].test[position])));
  const counts = new Map<string, number>();
  for (const clip of tested) {
    const { label } = manifest.clips[clip];
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const scarce = manifest.classes.find((label) => judged.has(label) && (counts.get(label) ?? 0) < CONTEST_CLIPS);
  if (scarce === undefined) return undefined;
  return `${counts.get(scarce) ?? 0} comparable clips of class ${scarce}; ${CONTEST_CLIPS} are needed`;
}

/**
 * Chooses how the challenger is compared, before anything is trained. Where the new data holds nearly all that the
 * champion was trained on, with a stand-in: it is tested on old and new clips alike, so that new clips with wrong labels
 * do not decide alone. Otherwise with the stored champion on the clips that it does not know.
 * @param heard what the champion knows of the data; undefined where there is no champion
 * @param classes that the champion knows
 */
export function chooseContest(
  data: ContestData,
  heard: Heard | undefined,
  classes: readonly string[] = [],
): Contest | Refusal {
  const judged = new Set(classes);
  if (!heard) {
    const majority = contestOf(data, 'majority', () => undefined);
    const lack = lackOf(majority, data, judged);
    return lack === undefined ? majority : { refusal: `too little data for a first champion: ${lack}` };
  }
  const gone = classes.find((label) => !data.manifest.classes.includes(label));
  if (gone !== undefined) return { refusal: `the new data has no clips of class ${gone}, which the champion knows` };
  const stored = contestOf(data, 'champion', () => ({
    sound: (clip) => heard.sounds[clip],
    group: (clip) => heard.groups[clip],
  }));
  const untested = (lack: string) => `the stored champion cannot be tested on what it does not know: ${lack}`;
  const storedLack = lackOf(stored, data, judged);
  if (heard.share < STAND_IN_SHARE) {
    if (storedLack === undefined) return stored;
    const [needed, found] = [`${100 * STAND_IN_SHARE} %`, `${Math.floor(100 * heard.share)} %`];
    const why = `a stand-in needs ${needed} of its ${heard.trained} clips, of which the new data has ${found}`;
    return { refusal: `${untested(storedLack)}; and ${why}` };
  }
  const standIn = contestOf(data, 'stand-in', (train, { sounds, groups }) => {
    const known = Array.from(train).filter((clip) => heard.known[clip]);
    return { sound: marked(known, sounds), group: marked(known, groups) };
  });
  const lack = lackOf(standIn, data, judged);
  if (lack === undefined) return standIn;
  return storedLack === undefined ? stored : { refusal: `${untested(storedLack)}; nor can a stand-in: ${lack}` };
}
