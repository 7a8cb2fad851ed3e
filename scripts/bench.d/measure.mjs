/**
 * @typedef {object} Comparison
 * @property {string} name what was done
 * @property {number} ours median rate of cryfold, in `unit`
 * @property {number} theirs median rate of the peer
 * @property {string} peer
 * @property {string} unit things per second, so more is better
 * @property {number} ratio median over pairs of ours / theirs: over 1 means that ours is better
 * @property {number} target the ratio to reach; 0: none
 * @property {boolean} ok whether it was reached
 */

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Things per second of `work`, which does `count` of them. */
export async function rate(count, work) {
  const start = performance.now();
  await work();
  return (1000 * count) / (performance.now() - start);
}

/**
 * Runs both sides in turn, after one pair that is thrown away (caches, just-in-time compilation).
 * @param {{ours: () => Promise<number>, theirs: () => Promise<number>, pairs?: number, name: string, peer: string,
 *   unit: string, target: number}} options `ours` and `theirs` measure once and return a rate
 * @returns {Promise<Comparison>}
 */
export async function compareInPairs({ ours, theirs, pairs = 7, name, peer, unit, target }) {
  const measured = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const [a, b] = [await ours(), await theirs()];
    measured.push([a, b]);
    const which = pair === 0 ? 'warm-up' : `pair ${pair} of ${pairs}`;
    console.error(`bench: ${name}, ${which}: ${a.toFixed(1)} and ${b.toFixed(1)} ${unit}`);
  }
  measured.shift();
  const ratio = median(measured.map(([a, b]) => a / b));
  return {
    name,
    ours: median(measured.map(([a]) => a)),
    theirs: median(measured.map(([, b]) => b)),
    peer,
    unit,
    ratio,
    target,
    ok: ratio >= target,
  };
}
