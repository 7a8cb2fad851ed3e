import { type Combination, combineDecisions } from './combine.js';
import { type Machine, machineValues, makeMachines, type TrainingProblem } from './fit.js';
import { crossKernel, fillSpace, settleKernel } from './kernel.js';
import { presentClasses } from './machines.js';
import type { SvmParameters } from './parameters.js';
import { type BinarySolution, solveBinary } from './smo.js';
import { solverSpace } from './solver-simd.js';
import type { SolverSpace } from './solver-space.js';

/**
 * The splits, and the values of gamma and C to try on each of them. All other properties have the same meaning as for a
 * single fold.
 */
export interface GridProblem
  extends Pick<
    TrainingProblem,
    'distances' | 'moments' | 'columns' | 'labels' | 'classCount' | 'classNames' | 'parameters' | 'onProgress'
  > {
  splits: readonly { train: Int32Array; test: Int32Array }[];
  gammas: readonly SvmParameters['gamma'][];
  /** They are tried in ascending order, regardless of their order here */
  Cs: readonly number[];
}

export interface GridCell {
  gamma: SvmParameters['gamma'];
  C: number;
  /** For each split, the predicted class of each test row */
  predicted: Int32Array[];
  /** Solver iterations of all splits and machines; 0 if every solution was reused from a smaller C */
  iterations: number;
}

/**
 * Predicts with every combination of gamma and C on every split, without calibration. A machine starts from its
 * solution for the next smaller C. If no alpha has reached its bound in that solution, raising the bound changes
 * nothing. The problem for the larger C then has the same solution, which is reused unchanged. onProgress counts
 * combinations of gamma and split. Always uses cryfold's own solver.
 * @returns cells by gamma in the given order, then by ascending C
 * @throws CryfoldError SVM_ONE_CLASS, SVM_NOT_FINITE, SVM_NOT_CONVERGED, SPEC_INVALID
 */
export function svmGrid(problem: GridProblem): GridCell[] {
  const { splits, gammas, labels, onProgress } = problem;
  const ascending = [...problem.Cs].sort((a, b) => a - b);
  const cells: GridCell[] = gammas.flatMap((gamma) =>
    ascending.map((C) => ({ gamma, C, predicted: [], iterations: 0 })),
  );
  let done = 0;
  for (const [g, gamma] of gammas.entries()) {
    for (const { train, test } of splits) {
      // Ordered by class, so that the rows excluded from a pair of classes are contiguous.
      const rows = train.toSorted((a, b) => labels[a] - labels[b] || a - b);
      const own = rows.map((row) => labels[row]);
      const present = presentClasses(own);
      const kernel = settleKernel({ ...problem.parameters, gamma }, problem, rows);
      const space = solverSpace(rows.length);
      fillSpace(space, problem, kernel, rows);
      const cross = crossKernel(problem, kernel, test, rows);
      let previous: BinarySolution[] | undefined;
      for (const [c, C] of ascending.entries()) {
        const parameters = { ...problem.parameters, C };
        const machines = makeMachines({ ...problem, parameters }, present, own);
        const ratio = ascending[c - 1] / C;
        const solutions = machines.map((machine, m) =>
          solveFrom(space, machine, parameters.tolerance, previous && { solution: previous[m], ratio }),
        );
        const cell = cells[g * ascending.length + c];
        cell.iterations += solutions.reduce((sum, s, m) => sum + (s === previous?.[m] ? 0 : s.iterations), 0);
        const combination = { classCount: problem.classCount, present, roles: machines.map(({ role }) => role) };
        cell.predicted.push(predict(combination, machines, solutions, cross));
        previous = solutions;
      }
      onProgress?.(++done, gammas.length * splits.length);
    }
  }
  return cells;
}

/** The solution of a machine for the next smaller C. */
interface SmallerC {
  solution: BinarySolution;
  /** Ratio of the smaller C to the current one, 0 to 1 */
  ratio: number;
}

/** Returns the object `smaller.solution` itself if it is also the machine's solution for the current C. */
function solveFrom(
  space: SolverSpace,
  { signs, upper }: Machine,
  tolerance: number,
  smaller: SmallerC | undefined,
): BinarySolution {
  if (!smaller) return solveBinary({ space, signs, upper, tolerance });
  const { solution, ratio } = smaller;
  if (solution.alpha.every((alpha, t) => alpha < upper[t] * ratio * (1 - 1e-12))) return solution;
  return solveBinary({ space, signs, upper, tolerance, start: solution.alpha });
}

/**
 * Predicts the classes of the test rows.
 * @param cross kernel between the test rows and the training rows, test x train
 */
function predict(
  combination: Pick<Combination, 'classCount' | 'present' | 'roles'>,
  machines: readonly Machine[],
  solutions: readonly BinarySolution[],
  cross: Float64Array,
): Int32Array {
  const { classCount } = combination;
  const weights = solutions.map(({ alpha }, m) => alpha.map((a, t) => a * machines[m].signs[t]));
  const values = machineValues(
    cross,
    weights,
    solutions.map(({ bias }) => bias),
  );
  const decisions = combineDecisions(combination, values);
  return Int32Array.from({ length: decisions.length / classCount }, (_, i) => {
    const row = decisions.subarray(i * classCount, (i + 1) * classCount);
    return row.reduce((best, value, k) => (value > row[best] ? k : best), 0);
  });
}
