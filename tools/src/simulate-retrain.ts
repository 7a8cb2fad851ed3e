// Measures how often `cryfold retrain` promotes a worse or a better model, for different overlaps between the new data
// and the champion's data. Generates random corpora of infants, trains nearest-mean classifiers on them, and decides
// with the command's own code: it determines which data the champion was trained on, what to compare the challenger
// with, and the result of the test. A large held-out set shows which model is really better.
//
// With --nights N, a slightly worse configuration challenges the same champion every night, on growing data.
//
// usage: tools/simulate-retrain [--cases 300] [--seed 0] [--metric accuracy] [--nights N] [--json]
import { parseArgs } from 'node:util';
import {
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
import {
  type ContestData,
  chooseContest,
  judge,
  type Predictions,
  SIGNIFICANCE,
  trainingOverlap,
} from '@cryfold/run-control';
import { binomialInterval, markdownTable, shareText } from './estimates.js';
import { wholeOption } from './options.js';
import {
  CLASSES,
  COLUMNS,
  crossValidate,
  measure,
  POOR,
  predicted,
  type SimulatedClip,
  train,
  World,
} from './retrain-world.js';

/** Number of clips that the champion was trained on */
const CHAMPION = 360;
const PER_INFANT = 6;
const HELD_OUT = 2000;
const FOLDS = { splits: 5, repeats: 2 };
const MARGIN = 0.05;

/** Number of columns that the nightly challenger reads */
const SLIGHTLY_POOR = 28;

/** Share of the new data on which the champion was trained */
const OVERLAPS = [0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1];
/** Number of clips in the new data, as a multiple of the number on which the champion was trained */
const SIZES = [1 / 3, 1, 2];
/**
 * With `grouped`, folds keep infants together, and new and held-out clips come from new infants. With `random`, folds
 * are random, and all clips come from the same infants.
 */
const PROTOCOLS = ['grouped', 'random'] as const;
type Protocol = (typeof PROTOCOLS)[number];

interface Scenario {
  protocol: Protocol;
  size: number;
  overlap: number;
  metric: MetricName;
}

interface Case {
  /**
   * By how much the challenger, trained on all new data, is better than the champion on held-out clips; negative if it
   * is worse
   */
  truth: number;
  opponent: 'champion' | 'stand-in' | 'refused';
  promoted: boolean;
  /** Whether the previous rule, a t-test over folds against a stand-in, would have promoted the challenger */
  formerly: boolean;
}

/** The champion's clips, the new data, and clips that show which model is really better. */
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

interface Night {
  protocol: Protocol;
  metric: MetricName;
  champion: SimulatedClip[];
  now: SimulatedClip[];
  /** Number of columns that the champion and the challenger read */
  before: number;
  after: number;
}

/** Makes the same decision as `cryfold retrain` would. @returns undefined if a model cannot be trained */
function retrain({ protocol, metric, champion, now, before, after }: Night, random: RandomState) {
  const manifest = { clips: now, grouped: true, classes: CLASSES };
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

  const overlap = trainingOverlap({ clips: champion, grouped: true }, manifest);
  const data: ContestData = { manifest, splits, sounds: [] };
  const contest = chooseContest(data, overlap, CLASSES);
  const standIn = crossValidate(now, splits, before, (clip) => overlap.known[clip]);
  const found = { stored, deployed, challenger, standIn, splits };
  if ('refusal' in contest) return { ...found, opponent: 'refused', promoted: false } as const;
  const opponent: Predictions | undefined =
    contest.opponent === 'champion'
      ? (split, position) => predicted(stored(now[splits[split].test[position]]))
      : standIn;
  if (!opponent) return undefined;
  const { promote } = judge({ data, contest, challenger, opponent, metric, margin: MARGIN });
  return { ...found, opponent: contest.opponent as Case['opponent'], promoted: promote };
}

/**
 * Returns how much better the challenger, trained on all new data, is than the stored champion. The value is negative
 * if the challenger is worse.
 */
function truthOf(
  { stored, deployed }: NonNullable<ReturnType<typeof retrain>>,
  heldOut: readonly SimulatedClip[],
  metric: MetricName,
): number {
  return scoreOf(metric, measure(deployed, heldOut, metric) - measure(stored, heldOut, metric));
}

function simulate(scenario: Scenario, random: RandomState): Case | undefined {
  const { protocol, metric } = scenario;
  const { champion, now, heldOut } = drawClips(new World(random), random, scenario);
  // One third of the challengers has the same configuration as the champion, one third has a worse one, and one third
  // has a better one.
  const [before, after] = [
    [COLUMNS, COLUMNS],
    [COLUMNS, POOR],
    [POOR, COLUMNS],
  ][random.randint(3)];
  const decided = retrain({ protocol, metric, champion, now, before, after }, random);
  if (!decided) return undefined;
  const { opponent, promoted, challenger, standIn, splits } = decided;
  const formerly = standIn !== undefined && wonFormerly({ now, splits, metric }, challenger, standIn);
  return { truth: truthOf(decided, heldOut, metric), opponent, promoted, formerly };
}

/** Every night, six clips of a new infant are added, and a slightly worse configuration challenges the champion. */
function nightly(metric: MetricName, nights: number, random: RandomState): number | undefined {
  const overlap = { protocol: 'grouped', size: 1, overlap: 1, metric } as const;
  const world = new World(random);
  const { champion, heldOut } = drawClips(world, random, overlap);
  const now = [...champion];
  for (let night = 1; night <= nights; night++) {
    const [infant] = world.infants(1);
    for (let i = 0; i < PER_INFANT; i++) now.push(world.clip(infant));
    const decided = retrain(
      { protocol: 'grouped', metric, champion, now, before: COLUMNS, after: SLIGHTLY_POOR },
      random,
    );
    if (!decided?.promoted) continue;
    return truthOf(decided, heldOut, metric) <= 0 ? night : undefined;
  }
  return undefined;
}

/** Returns whether the challenger would have won under the previous rule, which compared recall on all test clips. */
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
  const count = (of: readonly Case[], what: (one: Case) => boolean) => of.filter(what).length;
  const share = (of: readonly Case[], what: (one: Case) => boolean) =>
    of.length === 0 ? null : count(of, what) / of.length;
  // Counts only challengers that were compared, since counting refused ones would make the test look better.
  const compared = worse.filter(({ opponent }) => opponent !== 'refused');
  const wrong = count(compared, ({ promoted }) => promoted);
  return {
    cases: cases.length,
    opponents: {
      champion: count(cases, ({ opponent }) => opponent === 'champion'),
      standIn: count(cases, ({ opponent }) => opponent === 'stand-in'),
      refused: count(cases, ({ opponent }) => opponent === 'refused'),
    },
    worseCompared: compared.length,
    wrong,
    wrongInterval: compared.length === 0 ? null : binomialInterval(wrong, compared.length),
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
    nights: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const cases = wholeOption('cases', values.cases);
const [seed, nights] = (['seed', 'nights'] as const).map((name) => wholeOption(name, values[name], { least: 0 }));
const metric = METRIC_NAMES.find((name) => name === values.metric);
if (!metric) {
  const metrics = METRIC_NAMES.join('|');
  console.error(`usage: tools/simulate-retrain [--cases N] [--seed N] [--metric ${metrics}] [--nights N] [--json]`);
  process.exit(2);
}
const about = { cases, seed, metric, level: SIGNIFICANCE / 2 };
const percent = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
const print = (text: string) => {
  if (!values.json) console.log(text);
};

function simulateNights(random: RandomState): void {
  const won = Array.from({ length: cases }, () => nightly(about.metric, nights, random));
  const shown = [1, 7, 30, 60, nights].filter((night, i, all) => night <= nights && all.indexOf(night) === i);
  const within = shown.map((night) => {
    const wrong = won.filter((one) => one !== undefined && one <= night).length;
    return { nights: night, wrong, interval: binomialInterval(wrong, cases) };
  });
  print(
    `${cases} champions, each challenged every night by a slightly worse configuration; level ${percent(about.level)}`,
  );
  const rows = within.map(({ nights: night, wrong }) => [String(night), shareText(wrong, cases)]);
  print(markdownTable([['nights', 'wrongly replaced within, % (95 % interval)'], ...rows]));
  if (values.json) console.log(JSON.stringify({ ...about, within }, null, 2));
}

/** `champion 96 %, refused 4 %` */
function opponentsText({ opponents, cases: all }: ReturnType<typeof summarise>): string {
  const named = { champion: opponents.champion, 'stand-in': opponents.standIn, refused: opponents.refused };
  return Object.entries(named)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${((100 * count) / all).toFixed(0)} %`)
    .join(', ');
}

function simulateOverlaps(random: RandomState): void {
  const title = METRICS[about.metric].title;
  print(
    `${cases} cases per row; champion trained on ${CHAMPION} clips; metric ${title}; level ${percent(about.level)}`,
  );
  const rows: object[] = [];
  const cells = [
    [
      ...[
        'folds',
        'clips',
        'known',
        'opponent',
        'worse promoted, of those compared, % (95 % interval)',
        'by a stand-in at any overlap',
      ],
      ...['better promoted', 'clearly better promoted'],
    ],
  ];
  const add = (head: { protocol: Protocol; clips: number | null; overlap: number | null }, drawn: readonly Case[]) => {
    const row = summarise(drawn);
    rows.push({ ...head, ...row });
    const { protocol, clips, overlap } = head;
    const shares = [row.formerlyWrong, row.right, row.clearlyRight].map(percent);
    const where = [protocol, clips === null ? 'all' : String(clips), overlap === null ? '' : percent(overlap)];
    cells.push([...where, opponentsText(row), shareText(row.wrong, row.worseCompared), ...shares]);
  };
  for (const protocol of PROTOCOLS) {
    const ofProtocol: Case[] = [];
    for (const size of SIZES) {
      for (const overlap of OVERLAPS.filter((share) => share * size <= 1)) {
        const drawn: Case[] = [];
        while (drawn.length < cases) {
          const one = simulate({ protocol, size, overlap, metric: about.metric }, random);
          if (one) drawn.push(one);
        }
        ofProtocol.push(...drawn);
        add({ protocol, clips: Math.round(CHAMPION * size), overlap }, drawn);
      }
    }
    add({ protocol, clips: null, overlap: null }, ofProtocol);
  }
  print(markdownTable(cells));
  if (values.json) console.log(JSON.stringify({ ...about, rows }, null, 2));
}

if (nights > 0) simulateNights(new RandomState(seed));
else simulateOverlaps(new RandomState(seed));
