import { Random } from '@cryfold/core';
import type { DistanceMatrix } from '@cryfold/svm';

export interface Clustering {
  /** The cluster of each row, 0 to count - 1 */
  clusters: Int32Array;
  count: number;
  /** Sum of the squared distances from rows to their centres */
  inertia: number;
}

/** Number of random starts, of which the one with the best result is used. */
const STARTS = 5;
const MOST_ITERATIONS = 300;

/**
 * Runs k-means with Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, "k-means++: the advantages of
 * careful seeding", SODA 2007). Uses only squared distances: the distance from a row to a centre is the mean distance
 * from the row to the members of the cluster, minus half the mean distance between members.
 * @param rows indices of the matrix rows to cluster
 * @param wanted number of clusters; fewer if there are fewer distinct rows
 */
export function kMeans(distances: DistanceMatrix, rows: Int32Array, wanted: number, seed: number): Clustering {
  const random = new Random(seed);
  let best: Clustering | undefined;
  for (let start = 0; start < STARTS; start++) {
    const found = kMeansFrom(distances, rows, chooseStarts(distances, rows, wanted, random));
    if (!best || found.inertia < best.inertia) best = found;
  }
  return best as Clustering;
}

/** @param starts positions in `rows` of the first centres */
export function kMeansFrom(distances: DistanceMatrix, rows: Int32Array, starts: readonly number[]): Clustering {
  const n = rows.length;
  const count = starts.length;
  let toCentres: Float64Array = Float64Array.from({ length: n * count }, (_, at) => {
    return distances.data[rows[Math.floor(at / count)] * distances.rows + rows[starts[at % count]]];
  });
  let clusters = nearest(toCentres, count);
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    toCentres = centreDistances(distances, rows, clusters, count);
    const next = nearest(toCentres, count);
    if (next.every((cluster, i) => cluster === clusters[i])) break;
    clusters = next;
  }
  const inertia = clusters.reduce((sum, cluster, i) => sum + toCentres[i * count + cluster], 0);
  return { clusters, count, inertia };
}

function centreDistances(
  { data, rows: stride }: DistanceMatrix,
  rows: Int32Array,
  clusters: Int32Array,
  count: number,
): Float64Array {
  const out = new Float64Array(rows.length * count);
  const sizes = new Float64Array(count);
  for (const cluster of clusters) sizes[cluster]++;
  const within = new Float64Array(count);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < rows.length; j++) out[i * count + clusters[j]] += data[rows[i] * stride + rows[j]];
    for (let c = 0; c < count; c++) out[i * count + c] /= sizes[c];
    within[clusters[i]] += out[i * count + clusters[i]];
  }
  for (let at = 0; at < out.length; at++) out[at] -= within[at % count] / (2 * sizes[at % count]);
  return out;
}

/** Assigns each row to its nearest centre. A centre without rows gets the row that is farthest from its own centre. */
function nearest(toCentres: Float64Array, count: number): Int32Array {
  const clusters = Int32Array.from({ length: toCentres.length / count }, (_, i) => {
    let best = 0;
    for (let c = 1; c < count; c++) if (toCentres[i * count + c] < toCentres[i * count + best]) best = c;
    return best;
  });
  const sizes = new Int32Array(count);
  for (const cluster of clusters) sizes[cluster]++;
  for (let empty = sizes.indexOf(0); empty >= 0; empty = sizes.indexOf(0)) {
    let farthest = -1;
    clusters.forEach((cluster, i) => {
      if (sizes[cluster] < 2) return;
      const own = toCentres[i * count + cluster];
      if (farthest < 0 || own > toCentres[farthest * count + clusters[farthest]]) farthest = i;
    });
    sizes[clusters[farthest]]--;
    sizes[empty]++;
    clusters[farthest] = empty;
  }
  return clusters;
}

/** Draws each start with a probability proportional to its squared distance from the nearest earlier start. */
function chooseStarts({ data, rows: stride }: DistanceMatrix, rows: Int32Array, wanted: number, random: Random) {
  const starts = [random.below(rows.length)];
  const to = (start: number) => rows.map((row) => row * stride + rows[start]);
  const least = Float64Array.from(to(starts[0]), (at) => data[at]);
  while (starts.length < wanted) {
    const sum = least.reduce((total, one) => total + one, 0);
    if (sum === 0) break;
    let left = random.uniform(0, sum);
    let chosen = least.findIndex((one) => {
      left -= one;
      return one > 0 && left <= 0;
    });
    if (chosen < 0) chosen = least.findLastIndex((one) => one > 0);
    starts.push(chosen);
    to(chosen).forEach((at, i) => {
      least[i] = Math.min(least[i], data[at]);
    });
  }
  return starts;
}
