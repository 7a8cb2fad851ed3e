// How often `cryfold retrain` promotes a worse model, and how often a better one, over many overlaps of the new data with
// the champion's. Draws corpora of infants, trains nearest-mean classifiers on them, decides with the code of the command
// (what is known, who stands against the challenger, the test), and asks a large held-out set who was right.
//
// usage: tools/simulate-retrain [--cases 300] [--seed 0] [--metric accuracy] [--json]
import { parseArgs } from 'node:util';
import {
  argmaxRows,
  METRIC_NAMES,
  METRICS,
  type MetricName,
  nadeauBengio,
  RandomState,
  repeatedStratifiedGroupKFold,
  repeatedStratifiedKFold,
  type Split,
  scoreOf,
} from '@cryfold/evaluation';
import { type ContestData, chooseContest, heardOf, judge, type Predictions, SIGNIFICANCE } from '@cryfold/run-control';

const CLASSES = ['a', 'b', 'c'];
/** What a clip is described by; the poor configuration reads only the first of them */
const COLUMNS = 30;
const POOR = 20;
/** Clips that the champion was trained on */
const CHAMPION = 360;
const PER_INFANT = 6;
const HELD_OUT = 2000;
const FOLDS = { splits: 5, repeats: 2 };
const MARGIN = 0.05;

/** Which share of the new data the champion knows */
const OVERLAPS = [0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1];
/** Clips of the new data over those of the champion */
const SIZES = [1 / 3, 1, 2];
/**
 * grouped: folds keep infants whole, the new clips and the held-out ones are of new infants. random: random folds, and
 * all clips are of the same infants.
 */
const PROTOCOLS = ['grouped', 'random'] as const;
type Protocol = (typeof PROTOCOLS)[number];

interface SimulatedClip {
  id: string;
  hash: string;
  label: string;
  group: string;
  class: number;
  columns: Float64Array;
}

/** Standard normal numbers by Box and Muller. */
function normals(random: RandomState): () => number {
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Infants with voices of their own; half of them are recorded in one class only, as sick infants are. */
class World {
  readonly #normal: () => number;
  readonly #means: Float64Array[];
  #clips = 0;
  #infants = 0;

  constructor(private readonly random: RandomState) {
    this.#normal = normals(random);
    this.#means = CLASSES.map(() => this.#draw(0.4));
  }

  #draw(spread: number): Float64Array {
    return Float64Array.from({ length: COLUMNS }, () => spread * this.#normal());
  }

  infants(count: number) {
    return Array.from({ length: count }, () => ({
      name: `infant${this.#infants++}`,
      voice: this.#draw(0.4),
      only: this.random.randint(2) === 0 ? this.random.randint(CLASSES.length) : undefined,
    }));
  }

  clip({ name, voice, only }: ReturnType<World['infants']>[number]): SimulatedClip {
    const label = only ?? this.random.randint(CLASSES.length);
    const id = String(this.#clips++);
    const noise = this.#draw(1);
    const columns = noise.map((value, column) => value + voice[column] + this.#means[label][column]);
    return { id, hash: id, label: CLASSES[label], group: name, class: label, columns };
  }
}

/** Probabilities of each class for a clip. */
type Model = (clip: SimulatedClip) => number[];

/** Nearest class mean over the first columns; undefined with fewer than two classes. */
function train(clips: readonly SimulatedClip[], columns: number): Model | undefined {
  const counts = CLASSES.map(() => 0);
  const means = CLASSES.map(() => new Float64Array(columns));
  for (const clip of clips) {
    counts[clip.class]++;
    for (let column = 0; column < columns; column++) means[clip.class][column] += clip.columns[column];
  }
  means.forEach((mean, c) => {
    for (let column = 0; column < columns; column++) mean[column] /= counts[c];
  });
  if (counts.filter((count) => count > 0).length < 2) return undefined;
  return (clip) => {
    const scores = means.map((mean, c) => {
      if (counts[c] === 0) return Number.NEGATIVE_INFINITY;
      let distance = 0;
      for (let column = 0; column < columns; column++) distance += (clip.columns[column] - mean[column]) ** 2;
      return -distance / 2;
    });
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  };
}

function predicted(probabilities: readonly number[]) {
  return { winner: argmaxRows(probabilities, CLASSES.length)[0], probabilities };
}

function measure(model: Model, clips: readonly SimulatedClip[], metric: MetricName): number {
  const labels = clips.map((clip) => clip.class);
  return METRICS[metric].of(labels, Float64Array.from(clips.flatMap(model)), CLASSES.length);
}

/** Out-of-fold predictions of a configuration; undefined where a fold cannot be trained. */
function crossValidate(
  clips: readonly SimulatedClip[],
  splits: readonly Split[],
  columns: number,
  usable: (clip: number) => boolean = () => true,
): Predictions | undefined {
  const folds = splits.map(({ train: rows, test }) => {
    const model = train(
      Array.from(rows)
        .filter(usable)
        .map((row) => clips[row]),
      columns,
    );
    return model && Array.from(test, (row) => predicted(model(clips[row])));
  });
  if (folds.some((fold) => fold === undefined)) return undefined;
  return (split, position) => folds[split]![position];
}

interface Scenario {
  protocol: Protocol;
  size: number;
  overlap: number;
  metric: MetricName;
}

interface Case {
  /** How much better the challenger, trained on all the new data, is on held-out clips; above 0 is better */
  truth: number;
  opponent: 'champion' | 'stand-in' | 'refused';
  promoted: boolean;
  /** Whether the rule before this one promoted: always a stand-in, and a t-test over folds */
  formerly: boolean;
}

/** The champion's clips, the new data, and clips to find the truth by. */
function drawClips(world: World, random: RandomState, { protocol, size, overlap }: Scenario) {
  const total = Math.round(CHAMPION * size);
  const known = Math.min(Math.round(total * overlap), CHAMPION);
  const several = (count: number) => world.infants(Math.ceil(count / PER_INFANT));
  const clipsOf = (infants: ReturnType<World['infants']>, count: number) =>
    Array.from({ length: count }, (_, i) =>
      world.clip(
        protocol === 'grouped' ? infants[Math.floor(i / PER_INFANT)] : infants[random.randint(infants.length)],
      ),
    );
  const all = several(CHAMPION);
  const champion = clipsOf(all, CHAMPION);
  const added = clipsOf(protocol === 'grouped' ? several(total - known) : all, total - known);
  const heldOut = Array.from({ length: HELD_OUT }, () =>
    world.clip(protocol === 'grouped' ? world.infants(1)[0] : all[random.randint(all.length)]),
  );
  return { champion, now: [...champion.slice(0, known), ...added], heldOut };
}

function simulate(scenario: Scenario, random: RandomState): Case | undefined {
  const { protocol, metric } = scenario;
  const { champion, now, heldOut } = drawClips(new World(random), random, scenario);
  const manifest = { clips: now, grouped: true, classes: CLASSES };
  // Of three challengers one has the champion's configuration, one a worse and one a better one.
  const [before, after] = [
    [COLUMNS, COLUMNS],
    [COLUMNS, POOR],
    [POOR, COLUMNS],
  ][random.randint(3)];
  const labels = Int32Array.from(now, (clip) => clip.class);
  const groups = now.map(({ group }) => group);
  const options = { ...FOLDS, seed: random.uint32() };
  const splits =
    protocol === 'grouped'
      ? repeatedStratifiedGroupKFold(labels, groups, options)
      : repeatedStratifiedKFold(labels, options);
  const [stored, deployed] = [train(champion, before), train(now, after)];
  const challenger = crossValidate(now, splits, after);
  if (!stored || !deployed || !challenger) return undefined;

  const heard = heardOf({ clips: champion, grouped: true }, manifest);
  const data: ContestData = { manifest, splits };
  const contest = chooseContest(data, heard, CLASSES);
  const standIn = crossValidate(now, splits, before, (clip) => heard.known[clip]);
  const truth = scoreOf(metric, measure(deployed, heldOut, metric) - measure(stored, heldOut, metric));
  const formerly = standIn !== undefined && wonFormerly({ now, splits, metric }, challenger, standIn);
  if ('refusal' in contest) return { truth, opponent: 'refused', promoted: false, formerly };
  const opponent: Predictions | undefined =
    contest.opponent === 'champion'
      ? (split, position) => predicted(stored(now[splits[split].test[position]]))
      : standIn;
  if (!opponent) return undefined;
  const { promote } = judge({ data, contest, challenger, opponent, metric, margin: MARGIN });
  return { truth, opponent: contest.opponent as Case['opponent'], promoted: promote, formerly };
}

/** The rule that this one replaced; recall is judged over all test clips. */
function wonFormerly(
  { now, splits, metric }: { now: SimulatedClip[]; splits: Split[]; metric: MetricName },
  challenger: Predictions,
  standIn: Predictions,
): boolean {
  const ofFold = (of: Predictions, s: number) => {
    const test = splits[s].test;
    const rows = Float64Array.from(
      [...test.keys()].flatMap((position) => [...Array.from(of(s, position).probabilities)]),
    );
    return METRICS[metric].of(
      Array.from(test, (clip) => now[clip].class),
      rows,
      CLASSES.length,
    );
  };
  const differences = splits.map((_, s) => scoreOf(metric, ofFold(challenger, s) - ofFold(standIn, s)));
  const test = nadeauBengio(differences, 1 / (FOLDS.splits - 1));
  if (!test || test.pValue >= SIGNIFICANCE || test.meanDifference <= 0) return false;
  return CLASSES.every((_, c) => {
    let [gained, all] = [0, 0];
    for (const [s, { test: clips }] of splits.entries()) {
      clips.forEach((clip, position) => {
        if (now[clip].class !== c) return;
        all++;
        gained += Number(challenger(s, position).winner === c) - Number(standIn(s, position).winner === c);
      });
    }
    return all === 0 || -gained / all <= MARGIN;
  });
}

function summarise(cases: readonly Case[]) {
  const worse = cases.filter(({ truth }) => truth <= 0);
  const better = cases.filter(({ truth }) => truth > 0);
  const clearly = cases.filter(({ truth }) => truth > 0.03);
  const share = (of: readonly Case[], what: (one: Case) => boolean) =>
    of.length === 0 ? null : of.filter(what).length / of.length;
  const count = (of: readonly Case[], what: (one: Case) => boolean) => of.filter(what).length;
  return {
    cases: cases.length,
    opponents: {
      champion: count(cases, ({ opponent }) => opponent === 'champion'),
      standIn: count(cases, ({ opponent }) => opponent === 'stand-in'),
      refused: count(cases, ({ opponent }) => opponent === 'refused'),
    },
    notBetter: worse.length,
    wrong: share(worse, ({ promoted }) => promoted),
    formerlyWrong: share(worse, ({ formerly }) => formerly),
    better: better.length,
    right: share(better, ({ promoted }) => promoted),
    clearlyBetter: clearly.length,
    clearlyRight: share(clearly, ({ promoted }) => promoted),
  };
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '300' },
    seed: { type: 'string', default: '0' },
    metric: { type: 'string', default: 'accuracy' },
    json: { type: 'boolean', default: false },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
const metric = METRIC_NAMES.find((name) => name === values.metric);
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed) || seed < 0 || !metric) {
  console.error(`usage: tools/simulate-retrain [--cases N] [--seed N] [--metric ${METRIC_NAMES.join('|')}] [--json]`);
  process.exit(2);
}
const random = new RandomState(seed);
const rows: (Omit<Scenario, 'metric'> & ReturnType<typeof summarise>)[] = [];
const totals: ({ protocol: Protocol } & ReturnType<typeof summarise>)[] = [];
const percent = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
const line = (cells: readonly string[]) =>
  cells.map((cell, c) => (c === 0 ? cell.padEnd(8) : cell.padStart(11))).join('');
const cellsOf = (row: ReturnType<typeof summarise>) => [
  ...[row.opponents.champion, row.opponents.standIn, row.opponents.refused].map((count) => percent(count / row.cases)),
  ...[percent(row.wrong), percent(row.formerlyWrong), percent(row.right), percent(row.clearlyRight)],
];
if (!values.json) {
  console.log(`${cases} cases a row; the champion was trained on ${CHAMPION} clips; metric ${METRICS[metric].title}`);
  console.log(
    `wrong: promoted though not better, stated level ${percent(SIGNIFICANCE / 2)}; formerly: by the rule before`,
  );
  console.log('right: promoted where better; clearly: where better by more than 0.03');
  const head = ['folds', 'clips', 'known', 'champion', 'stand-in', 'refused', 'wrong', 'formerly', 'right', 'clearly'];
  console.log(line(head));
}
for (const protocol of PROTOCOLS) {
  const ofProtocol: Case[] = [];
  for (const size of SIZES) {
    for (const overlap of OVERLAPS) {
      if (size * overlap > 1) continue;
      const drawn: Case[] = [];
      while (drawn.length < cases) {
        const one = simulate({ protocol, size, overlap, metric }, random);
        if (one) drawn.push(one);
      }
      ofProtocol.push(...drawn);
      const row = { protocol, size, overlap, ...summarise(drawn) };
      rows.push(row);
      if (!values.json) {
        console.log(line([protocol, String(Math.round(CHAMPION * size)), percent(overlap), ...cellsOf(row)]));
      }
    }
  }
  const total = { protocol, ...summarise(ofProtocol) };
  totals.push(total);
  if (!values.json) console.log(line([protocol, 'all', '', ...cellsOf(total)]));
}
if (values.json) console.log(JSON.stringify({ cases, seed, metric, level: SIGNIFICANCE / 2, rows, totals }, null, 2));
