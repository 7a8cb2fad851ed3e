import { median } from '../statistics.js';

/** One line of a benchmark's output. */
export interface Comparison {
  /** What was measured */
  name: string;
  /** Median rate of cryfold, in `unit` */
  ours: number;
  /** Median rate of the peer */
  theirs: number;
  peer: string;
  /** Unit of the rates. Higher rates are better */
  unit: string;
  /** Median over all pairs of the ratio of our rate to the peer's; above 1 means that we are faster */
  ratio: number;
  /** The target ratio; 0 if there is no target */
  target: number;
  /** Whether the target was reached */
  ok: boolean;
}

/** Creates a comparison. By default, the ratio is our rate divided by the peer's. */
export function comparison({
  ratio,
  ...given
}: Omit<Comparison, 'ratio' | 'ok'> & { ratio?: number | undefined }): Comparison {
  const reached = ratio ?? given.ours / given.theirs;
  return { ...given, ratio: reached, ok: reached >= given.target };
}

/** Measures the rate of `work`, which processes `count` items, in items per second. */
export async function rate(count: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (1000 * count) / (performance.now() - start);
}

/** Two sides to measure alternately; `ours` and `theirs` each make one measurement and return a rate. */
export interface Pairs extends Pick<Comparison, 'name' | 'peer' | 'unit' | 'target'> {
  ours: () => Promise<number>;
  theirs: () => Promise<number>;
  /** Number of pairs of measurements, not counting the warm-up; default: 7 */
  pairs?: number;
}

/**
 * Runs both sides alternately. The first pair is a warm-up (for caches and just-in-time compilation) and does not
 * count.
 */
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
