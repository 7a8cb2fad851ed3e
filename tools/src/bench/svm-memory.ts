// Runs as a separate process that computes five folds with probabilities, and prints its peak memory in MB. Argument:
// the scratch folder.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeNpy, type NpyType } from '@cryfold/core';
import { kFold } from '@cryfold/evaluation';
import { fitPredictSvm } from '@cryfold/svm';
import { svmParameters } from './svm-problem.js';

const read = <T extends NpyType>(name: string, type: T, dimensions: number) =>
  decodeNpy(readFileSync(join(process.argv[2], `${name}.npy`)), type, dimensions, name);

const { data, shape } = read('distances', '<i4', 2);
const labels = read('labels', '<i4', 1).data;
const [rows] = shape;
const columns = 60 * 90 * 3;
// The moments only have to be plausible, since they only determine gamma.
const moments = {
  sum: new Float64Array(rows).fill(100 * columns),
  sumSquares: new Float64Array(rows).fill(14000 * columns),
};
for (const { train, test } of kFold(rows, { splits: 5, shuffle: true, seed: 0 })) {
  fitPredictSvm({
    ...{ distances: { rows, columns, data }, moments, columns, labels, classCount: Math.max(...labels) + 1, seed: 0 },
    ...{ train: Int32Array.from(train), test: Int32Array.from(test) },
    innerFolds: Int32Array.from(train, (_, t) => t % 5),
    parameters: svmParameters(),
  });
}
console.log(process.resourceUsage().maxRSS / 1024);
