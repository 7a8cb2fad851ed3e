// @ts-check
// Stryker's configuration. scripts/mutation names the part to mutate in MUTATED_PART.

const EVALUATION = 'packages/evaluation';
const SPLITS = '{k-fold,group-k-fold,*split*,leave-one-group-out,random-state}';
const METRICS = '{comparisons,distributions,group-test,metric,metrics,tallies}';
const FUSION = '{calibration,cross-fit,fusion,logistic}';

/** The sources to mutate, and the tests that should detect the faults: only closely related ones, to save time. */
const PARTS = {
  core: { folder: 'packages/core', sources: ['**'], tests: ['*'] },
  splits: { folder: EVALUATION, sources: [SPLITS], tests: ['usable-splits', 'splits'] },
  metrics: { folder: EVALUATION, sources: [METRICS], tests: ['metrics', 'comparisons', 'tallies'] },
  fusion: { folder: EVALUATION, sources: [FUSION], tests: ['metrics', 'comparisons', 'shuffled', 'nested-fusion'] },
  compare: { folder: EVALUATION, sources: ['compare'], tests: ['compare', 'compare-models'] },
  evaluation: {
    folder: EVALUATION,
    sources: ['*', `!${SPLITS}`, `!${METRICS}`, `!${FUSION}`, '!compare'],
    tests: ['!(audit|comparisons|decision-tree|metrics|splits|tallies|usable-splits)'],
  },
  audit: { folder: EVALUATION, sources: ['audit/*'], tests: ['decision-tree', 'audit'] },
};

// biome-ignore lint/suspicious/noUndeclaredEnvVars: scripts/mutation sets it, outside of Turborepo
const name = /** @type {keyof typeof PARTS} */ (process.env.MUTATED_PART);
const { folder, sources, tests } = PARTS[name];
const reports = `.stryker/${name}`;

export default {
  testRunner: 'mocha',
  plugins: ['@stryker-mutator/mocha-runner'],
  testRunnerNodeArgs: ['--import', './scripts/stryker/node-test-in-mocha.mjs'],
  mochaOptions: {
    spec: tests.map((test) => `${folder}/dist/test/${test}.test.js`),
    'no-config': true,
    'no-package': true,
  },
  mutate: sources.map((source) => source.replace(/^!?/, `$&${folder}/src/`).concat('.ts')),
  // Copies only what the build and the tests of this package read.
  ignorePatterns: ['**', `!${folder}/**`, '!docs/*', '!scripts/**', '!packages/*/tsconfig.json', '!tsconfig.base.json'],
  buildCommand: `tsc -p ${folder} --noCheck --composite false --incremental false --declaration false`,
  coverageAnalysis: 'perTest',
  // The first run, which records what each test covers, is already slower than later ones.
  timeoutFactor: 1,
  concurrency: 2,
  incremental: true,
  incrementalFile: `${reports}/incremental.json`,
  tempDirName: `${reports}/sandbox`,
  reporters: ['clear-text', 'html', 'progress-append-only'],
  htmlReporter: { fileName: `${reports}/report.html` },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportMutants: false },
  thresholds: { high: 90, low: 75, break: 75 },
};
