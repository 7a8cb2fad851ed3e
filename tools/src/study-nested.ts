// Measures which accuracies a sweep reports, both when the data contains something to learn and when it does not. Data
// sets consist of noise (labels are independent of the images, so the true accuracy of every setting is 50 %) or have a
// weak signal. For each data set, a grid of 24 SVM settings is searched with plain cross-validation, corrected by the
// bootstrap (BBC-CV), and evaluated by nested cross-validation with inner folds.
//
// usage: tools/study-nested [--sets N] [--clips N] [--json]     40 data sets of 60 clips by default
//
// On noise, plain cross-validation must look too good (its 95 % interval is above 50 %), and the other two must not.
import { parseArgs } from 'node:util';
import { mean } from './statistics.js';
import { METHODS, type Scores, SETTINGS, studyOne } from './study/nested-study.js';

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: '40' },
    clips: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const [SETS, CLIPS] = [Number(values.sets), Number(values.clips)];

interface Row {
  data: string;
  method: keyof Scores;
  /** Accuracy over all data sets */
  mean: number;
  /** Standard error of this accuracy */
  error: number;
}

function rowsOf(data: string, signal: number): Row[] {
  const sets = Array.from({ length: SETS }, (_, i) => studyOne({ clips: CLIPS, seed: i + 1, signal }));
  return METHODS.map((method) => {
    const scores = sets.map((set) => set[method]);
    const centre = mean(scores);
    const deviation = Math.sqrt(scores.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (SETS - 1));
    return { data, method, mean: centre, error: deviation / Math.sqrt(SETS) };
  });
}

function line({ data, method, mean: centre, error }: Row): string {
  const [low, high] = [-1.96, 1.96].map((z) => (100 * (centre + z * error)).toFixed(2));
  return `${data.padEnd(13)} ${method.padEnd(10)} ${(100 * centre).toFixed(2).padStart(6)} %  95 % ${low} to ${high}`;
}

const noise = rowsOf('noise labels', 0);
const rows = [...noise, ...rowsOf('weak signal', 0.7)];
if (values.json) console.log(JSON.stringify(rows));
else {
  const { settings, outer, inner } = SETTINGS;
  const folds = `${outer} outer and ${inner} inner folds`;
  console.log(`mean accuracy over ${SETS} data sets of ${CLIPS} clips, best of ${settings} SVM settings, ${folds}`);
  for (const row of rows) console.log(line(row));
}
const above = (method: keyof Scores) => noise.some((row) => row.method === method && row.mean - 1.96 * row.error > 0.5);
if (!above('plain') || above('corrected') || above('nested')) {
  console.error('unexpected result: on noise, only plain cross-validation should look too good');
  process.exitCode = 1;
}
