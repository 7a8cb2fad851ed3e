import { median } from '../statistics.js';

/** One line of a benchmark's output. */
export interface Comparison {
  /** What was done */
  name: string;
  /** Median rate of cryfold, in `unit` */
  ours: number;
  /** Median rate of the peer */
  theirs: number;
  peer: string;
  /** Things per second, so more is better */
  unit: string;
  /** Median over pairs of our rate divided by the peer's: above 1 means that we are better */
  ratio: number;
  /** The ratio to reach; 0: none */
  target: number;
  /** Whether it was reached */
  ok: boolean;
}

/** A comparison whose ratio is that of its two rates, unless another is given. */
export function comparison({
  ratio,
  ...given
}: Omit<Comparison, 'ratio' | 'ok'> & { ratio?: number | undefined }): Comparison {
  const reached = ratio ?? given.ours / given.theirs;
  return { ...given, ratio: reached, ok: reached >= given.target };
}

/** Things per second of `work`, which does `count` of them. */
export async function rate(count: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (1000 * count) / (performance.now() - start);
}

/** Measures both sides in turn; `ours` and `theirs` measure once and return a rate. */
export interface Pairs extends Pick<Comparison, 'name' | 'peer' | 'unit' | 'target'> {
  ours: () => Promise<number>;
  theirs: () => Promise<number>;
  /** How many pairs count; 7 where it is not given */
  pairs?: number;
}

/** Runs both sides in turn, after one pair that is thrown away (caches, just-in-time compilation). */
export async function compareInPairs({
  ours,
  theirs,
  pairs = 7,
  name,
  peer,
  unit,
  target,
}: Pairs): Promise<Comparison> {
  const measured: [number, number][] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const [a, b] = [await ours(), await theirs()];
    measured.push([a, b]);
    const which = pair === 0 ? 'warm-up' : `pair ${pair} of ${pairs}`;
    console.error(`bench: ${name}, ${which}: ${a.toFixed(1)} and ${b.toFixed(1)} ${unit}`);
  }
  measured.shift();
  return comparison({
    ...{ name, peer, unit, target },
    ours: median(measured.map(([a]) => a)),
    theirs: median(measured.map(([, b]) => b)),
    ratio: median(measured.map(([a, b]) => a / b)),
  });
}
