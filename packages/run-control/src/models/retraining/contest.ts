import type { DatasetManifest } from '@cryfold/plan';
import type { TrainingOverlap } from './training-overlap.js';

/**
 * Share of the champion's clips that new data must contain, so that a stand-in trained on them represents the champion.
 * At most 5 % may be missing, which is less than each fold holds out from both models (10 % with 10 folds, 20 % with
 * 5). `tools/simulate-retrain` prints how often a worse model is promoted at each share.
 */
export const STAND_IN_SHARE = 0.95;
/**
 * Minimum number of groups for a promotion. The test itself needs only `LEAST_GROUPS` (6), but then a challenger would
 * have to win on nearly all of them, and such a small number of groups would not be representative.
 */
const CONTEST_GROUPS = 10;
/** Minimum number of clips that a class must have for its recall to be judged. */
const CONTEST_CLIPS = 5;

/**
 * What the challenger is compared with: the stored champion and its own predictions; a stand-in, which in each fold is
 * trained on those training clips that the champion was also trained on; or, if there is no champion, a baseline that
 * predicts the class shares.
 */
export type Opponent = 'champion' | 'stand-in' | 'majority';

export interface Contest {
  opponent: Opponent;
  /** For each split, the positions (within its test part) of the clips on which both models are compared */
  rows: number[][];
  /** Number of distinct clips and groups among these */
  clips: number;
  groups: number;
}

/** Why no comparison is possible. */
export interface Refusal {
  refusal: string;
}

export interface ContestData {
  manifest: Pick<DatasetManifest, 'clips' | 'grouped' | 'groupSource' | 'classes'>;
  /** The challenger's outer folds */
  splits: readonly { train: ArrayLike<number>; test: ArrayLike<number> }[];
  /** For each sound, the indices of the clips that share it, whether equal or overlapping */
  sounds: readonly (readonly number[])[];
}

/** Whether the model that predicts a test clip of a split was trained on the clip's sound or group. */
interface Training {
  sound(clip: number): boolean;
  group(clip: number): boolean;
}

/** @param marks group or sound of each clip */
function marked(clips: ArrayLike<number>, marks: readonly string[]): (clip: number) => boolean {
  const seen = new Set<string>();
  for (let i = 0; i < clips.length; i++) seen.add(marks[clips[i]]);
  return (clip) => seen.has(marks[clip]);
}

/**
 * Selects the test clips on which a challenger and its opponent are compared: neither model was trained on the sound,
 * and either both models or neither of them were trained on other clips of the group. (With grouped folds, the
 * challenger was never trained on other clips of the group, so the opponent must not have been trained on any clip of
 * the group either.)
 * @param opponent what the opponent was trained on; undefined if it predicts without training
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

/** Describes what is missing for a verdict on a contest; undefined if nothing is missing. */
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
 * Chooses how to compare the challenger, before any training. If the new data contains nearly all training clips of the
 * champion, uses a stand-in, which is tested on both old and new clips, so that new clips with wrong labels cannot
 * decide the outcome alone. Otherwise uses the stored champion on the clips on which it was not trained.
 * @param overlap which parts of the data the champion was trained on; undefined without a champion
 * @param classes classes that the champion can predict
 */
export function chooseContest(
  data: ContestData,
  overlap: TrainingOverlap | undefined,
  classes: readonly string[] = [],
): Contest | Refusal {
  const judged = new Set(classes);
  if (!overlap) {
    const majority = contestOf(data, 'majority', () => undefined);
    const lack = lackOf(majority, data, judged);
    return lack === undefined ? majority : { refusal: `too little data for a first champion: ${lack}` };
  }
  const gone = classes.find((label) => !data.manifest.classes.includes(label));
  if (gone !== undefined)
    return { refusal: `the new data has no clips of class ${gone}, which the champion can predict` };
  const stored = contestOf(data, 'champion', () => ({
    sound: (clip) => overlap.sounds[clip],
    group: (clip) => overlap.groups[clip],
  }));
  const untested = (lack: string) => `the stored champion cannot be tested on data it was not trained on: ${lack}`;
  const storedLack = lackOf(stored, data, judged);
  if (overlap.share < STAND_IN_SHARE) {
    if (storedLack === undefined) return stored;
    const [needed, found] = [`${100 * STAND_IN_SHARE} %`, `${Math.floor(100 * overlap.share)} %`];
    const why = `a stand-in needs ${needed} of its ${overlap.trained} clips, but the new data has ${found}`;
    return { refusal: `${untested(storedLack)}; and ${why}` };
  }
  const standIn = contestOf(data, 'stand-in', (train, { sounds, groups }) => {
    const known = Array.from(train).filter((clip) => overlap.known[clip]);
    return { sound: marked(known, sounds), group: marked(known, groups) };
  });
  const lack = lackOf(standIn, data, judged);
  if (lack === undefined) return standIn;
  return storedLack === undefined
    ? stored
    : { refusal: `${untested(storedLack)}; a stand-in cannot be tested either: ${lack}` };
}
