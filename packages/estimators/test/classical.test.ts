import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSeed } from '@cryfold/core';
import { GREY_SQUARED } from '@cryfold/svm';
import { centredProducts, geometryOf } from '../src/classical/engines/geometry.js';
import { kMeans, kMeansFrom } from '../src/classical/engines/k-means.js';
import { fitMultinomial } from '../src/classical/engines/multinomial.js';
import { casesOf, fit, goldens, largestDifference, predictAgain, trainingData } from './classical-problems.js';

/**
 * The largest difference from scikit-learn, by kind. Machines stop at a violation of 1e-3, which is also the default of
 * scikit-learn.
 */
const TOLERANCES = {
  'logistic-regression': 1e-5,
  'k-nearest-neighbours': 1e-9,
  'random-forest': 1e-9,
  'gradient-boosting': 1e-9,
  'linear-svm': 1e-2,
  'clustering-svm': 1e-2,
};

for (const [kind, tolerance] of Object.entries(TOLERANCES)) {
  for (const { name, data, parameters, answers } of casesOf(kind)) {
    test(`${kind} equals scikit-learn: ${name}`, async () => {
      // Our 1,500 trees are drawn differently from scikit-learn's 4,000, so their mean has a standard error of at most
      // 0.016.
      const many = parameters.trees === 4000;
      const entry = { kind, ...parameters, ...(many && { trees: 1500 }) };
      const { probabilities, decisions } = await fit(entry, trainingData(goldens.data[data]));
      const difference = largestDifference((decisions ?? probabilities).data, answers);
      const allowed = many ? 0.06 : tolerance;
      assert.ok(difference < allowed, `differs by ${difference}`);
    });
  }
}

const KINDS = Object.keys(TOLERANCES);
/** The solver of linear machines takes a long time if columns have very different scales. */
const entryOf = (kind: string) => (kind === 'linear-svm' ? { kind, standardise: true } : { kind });

for (const kind of KINDS) {
  test(`${kind}: equal folds produce equal bytes, even in a fresh engine`, async () => {
    for (const data of Object.values(goldens.data)) {
      const [a, b] = await Promise.all([
        fit(entryOf(kind), trainingData(data)),
        fit(entryOf(kind), trainingData(data)),
      ]);
      assert.deepEqual(a.probabilities, b.probabilities);
      assert.deepEqual(a.decisions, b.decisions);
    }
  });

  test(`${kind}: rows are probabilities, and a class without training clips has probability 0`, async () => {
    const data = trainingData(goldens.data.grey, 5);
    const { probabilities } = await fit(entryOf(kind), data);
    assert.deepEqual([probabilities.rows, probabilities.columns], [data.test.length, 5]);
    for (let i = 0; i < probabilities.rows; i++) {
      const row = probabilities.data.subarray(5 * i, 5 * i + 5);
      assert.ok(Math.abs(row.reduce((sum, one) => sum + one) - 1) < 1e-9);
      assert.ok(
        row.every((one) => one >= 0 && one <= 1),
        `${row}`,
      );
      assert.deepEqual([...row.subarray(3)], [0, 0]);
    }
  });

  test(`${kind}: the stored model predicts the same as the fold`, async () => {
    for (const name of ['grey', 'vectors']) {
      const data = trainingData(goldens.data[name], 4);
      const outcome = await fit(entryOf(kind), data);
      const again = await predictAgain(kind, outcome, data);
      assert.ok(largestDifference(again.probabilities, outcome.probabilities.data) < 1e-12);
      assert.equal(again.decisions === undefined, outcome.decisions === undefined);
      if (again.decisions) assert.ok(largestDifference(again.decisions, outcome.decisions?.data ?? []) < 1e-9);
    }
  });

  test(`${kind}: a final model is trained on all clips, without test clips`, async () => {
    const data = trainingData(goldens.data.vectors);
    const all = Int32Array.from(data.labels, (_, i) => i);
    const outcome = await fit(entryOf(kind), data, { train: all, test: new Int32Array() });
    assert.equal(outcome.probabilities.data.length, 0);
    const { probabilities } = await predictAgain(kind, outcome, data);
    assert.equal(probabilities.length, data.test.length * 3);
  });
}

for (const kind of ['logistic-regression', 'k-nearest-neighbours', 'linear-svm', 'clustering-svm']) {
  test(`${kind}: test clips do not affect the standardisation`, async () => {
    const set = goldens.data.vectors;
    const entry = { kind, standardise: true };
    const far = trainingData({
      ...set,
      rows: set.rows.map((value, i) => (Math.floor(i / set.columns) === 0 ? value + 1e4 : value)),
    });
    const [plain, moved] = [await fit(entry, trainingData(set)), await fit(entry, far)];
    // Changing the first test clip must not affect the predictions of the others.
    assert.deepEqual(plain.probabilities.data.slice(3), moved.probabilities.data.slice(3));
  });
}

for (const scale of [1e-4, 1e4, 1e8]) {
  test(`logistic regression on columns ${scale} times as large equals one with a correspondingly weaker penalty`, async () => {
    const problem = trainingData(goldens.data.noisy);
    const geometry = await geometryOf(problem, problem, true);
    const labels = problem.train.map((clip) => problem.labels[clip]);
    const given = { products: centredProducts(geometry), labels, classes: 3, C: 1 };
    const plain = fitMultinomial(given);
    const scaled = fitMultinomial({
      ...given,
      products: given.products.map((one) => one * scale ** 2),
      C: 1 / scale ** 2,
    });
    assert.ok(plain.converged && scaled.converged, `${scaled.iterations} iterations`);
    const same = scaled.coefficients.map((one) => one * scale ** 2);
    assert.ok(largestDifference(same, plain.coefficients) < 1e-6);
    assert.ok(largestDifference(scaled.intercepts, plain.intercepts) < 1e-6);
  });
}

test('logistic regression learns from columns with a large scale', async () => {
  const set = goldens.data.vectors;
  const large = trainingData({ ...set, rows: set.rows.map((value) => value * 1e4) });
  const { probabilities } = await fit({ kind: 'logistic-regression' }, large);
  assert.ok(probabilities.data.some((one) => one > 0.9));
});

test('logistic regression does not count as converged if it takes no step on a steep slope', () => {
  // No actual rows could have these inner products, so the slope along the raw gradient is positive.
  const products = Float64Array.of(-1, 0, 0, -1);
  const fit = fitMultinomial({ products, labels: Int32Array.of(0, 1), classes: 2, C: 1 });
  assert.equal(fit.converged, false);
});

test('a process computes the distances of equal features only once for all kinds of estimators', async () => {
  const problem = trainingData(goldens.data.grey);
  await fit({ kind: 'k-nearest-neighbours' }, problem);
  const { distances } = await geometryOf(problem, problem, false);
  await fit({ kind: 'logistic-regression' }, problem);
  await fit({ kind: 'clustering-svm' }, problem);
  assert.equal((await geometryOf(problem, problem, false)).distances, distances);
});

test('with more neighbours than training clips, all training clips count and the fold has a note', async () => {
  const data = trainingData(goldens.data.two);
  const { probabilities, environment } = await fit({ kind: 'k-nearest-neighbours', neighbours: 1000 }, data);
  assert.match(environment.note, /all 45 training clips/);
  assert.equal(new Set(probabilities.data).size, 2);
});

for (const { data, starts, clusters, inertia } of goldens.clusterings) {
  test(`k-means from given centres equals scikit-learn: ${data}, ${starts.length} clusters`, async () => {
    const problem = trainingData(goldens.data[data]);
    const { distances, train } = await geometryOf(problem, problem, false);
    const found = kMeansFrom(distances, train, starts);
    assert.deepEqual([...found.clusters], clusters);
    assert.ok(Math.abs(found.inertia / GREY_SQUARED / inertia - 1) < 1e-9);
  });
}

test('k-means finds initial centres that leave no cluster empty and fit about as well as the first rows', async () => {
  const problem = trainingData(goldens.data.noisy);
  const { distances, train } = await geometryOf(problem, problem, false);
  const found = kMeans(distances, train, 6, 1);
  assert.deepEqual([...new Set(found.clusters)].sort(), [0, 1, 2, 3, 4, 5]);
  assert.ok(found.inertia < 1.1 * kMeansFrom(distances, train, [0, 1, 2, 3, 4, 5]).inertia);
});

test('k-means makes only as many clusters as there are distinct rows', async () => {
  const rows = [...Array(20).fill([1, 2, 3]), ...Array(20).fill([7, 8, 9])].flat();
  const labels = rows.slice(0, 40).map((_, i) => i % 2);
  const problem = trainingData({ grey: true, columns: 3, rows, labels });
  const { distances, train } = await geometryOf(problem, problem, false);
  assert.deepEqual([kMeans(distances, train, 8, 1).count, kMeans(distances, train, 8, 1).inertia], [2, 0]);
});

test('clustering-svm predicts a clip with its cluster’s SVM, which was trained only on that cluster', async () => {
  const data = trainingData(goldens.data.noisy);
  const entry = { kind: 'clustering-svm', clusters: 3, C: 10 };
  const whole = (await fit(entry, data)).decisions?.data as Float64Array;
  const { distances, train } = await geometryOf(data, data, false);
  const { clusters } = kMeans(distances, train, 3, deriveSeed(1, 'clusters'));
  const alone: Float64Array[] = [];
  for (const cluster of [0, 1, 2]) {
    const own = { train: train.filter((_, i) => clusters[i] === cluster) };
    alone.push((await fit({ ...entry, clusters: 1 }, data, own)).decisions?.data as Float64Array);
  }
  const rowOf = (decisions: Float64Array, i: number) => [...decisions.subarray(3 * i, 3 * i + 3)].join();
  const deciding = Array.from(data.test.keys(), (i) => alone.findIndex((one) => rowOf(one, i) === rowOf(whole, i)));
  assert.deepEqual([...new Set(deciding)].sort(), [0, 1, 2]);
});

test('a class without training clips in a cluster keeps a small probability in this cluster', async () => {
  // Two clusters that are far apart: the first one contains a single class, and the second one the other two.
  const rows = Array.from({ length: 48 }, (_, i) => (i < 24 ? [i % 5, 0, i % 7] : [200 + (i % 5), 10 * (i % 3), 250]));
  const labels = rows.map((_, i) => (i < 24 ? 0 : 1 + (i % 2)));
  const data = trainingData({ grey: true, columns: 3, rows: rows.flat(), labels });
  const { probabilities, decisions } = await fit({ kind: 'clustering-svm', clusters: 2, C: 1 }, data);
  const size = 18;
  assert.deepEqual(
    [...probabilities.data.subarray(0, 3)].map((one) => one.toFixed(9)),
    [(size + 1) / (size + 3), 1 / (size + 3), 1 / (size + 3)].map((one) => one.toFixed(9)),
  );
  assert.deepEqual([...(decisions?.data.subarray(0, 3) ?? [])], [0, -Infinity, -Infinity]);
});

test('no probability of a random forest exceeds 1 if all trees agree', async () => {
  const labels = Array.from({ length: 40 }, (_, i) => (i >> 2) % 2);
  const data = trainingData({ grey: false, columns: 1, rows: labels.map((label) => 10 * label), labels });
  // Adding 0.01 a hundred times results in 1.0000000000000007.
  const { probabilities } = await fit({ kind: 'random-forest', trees: 100 }, data);
  assert.deepEqual([...new Set(probabilities.data)].sort(), [0, 1]);
});
