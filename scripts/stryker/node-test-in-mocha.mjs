// @ts-check
// Turns tests for node:test into Mocha tests. Stryker's runner for Mocha keeps tests loaded between mutants, so that a
// mutant takes milliseconds instead of a process per test file. Supports only what the unit tests of pure packages use.
import { createRequire, syncBuiltinESMExports } from 'node:module';

// With this value, Python does not start, so tests skip everything that needs it: it would take seconds per mutant.
process.env.PYTHONHOME = '/dev/null';

/** Tests that repeat a whole evaluation or audit many times, which takes half a minute or more per mutant. */
const SIMULATIONS = [
  'an audit uses at most 600 recordings of 60 classes',
  'equally good models with different effects on each group differ at 5 % in about 5 % of cases',
  'reports hardly any findings about recordings that differ only by chance',
];

/** The longest time that each test took, in ms. Quick tests run first, because a run stops at the first failure. */
const cost = new Map();
/** @type {any} */
let root;

function register(/** @type {string} */ name, /** @type {(this: { skip(): void }) => unknown} */ body) {
  // Mocha defines its globals when it loads the first test file.
  const { it, before } = /** @type {any} */ (globalThis);
  const added = it(name, body);
  if (root) return added;
  root = added.parent;
  const costOf = (/** @type {{ title: string }} */ { title }) => cost.get(title) ?? 0;
  before(() => root.tests.sort((/** @type {any} */ a, /** @type {any} */ b) => costOf(a) - costOf(b)));
  return added;
}

/** @param {string} name @param {any} optionsOrBody @param {(context: object) => unknown} [body] */
function test(name, optionsOrBody, body = optionsOrBody) {
  if (optionsOrBody.skip || SIMULATIONS.includes(name)) return;
  /** @this {{ skip(): void }} */
  async function run() {
    /** @type {(() => unknown)[]} */
    const cleanups = [];
    const start = performance.now();
    const after = (/** @type {() => unknown} */ cleanup) => cleanups.push(cleanup);
    try {
      await body({ name, after, skip: () => this.skip() });
    } finally {
      for (const cleanup of cleanups) await cleanup();
      cost.set(name, Math.max(cost.get(name) ?? 0, performance.now() - start));
    }
  }
  register(name, run);
}

const nodeTest = createRequire(import.meta.url)('node:test');
const hook = (/** @type {string} */ name) => (/** @type {() => unknown} */ body) =>
  /** @type {any} */ (globalThis)[name](body);
Object.assign(nodeTest, { test, before: hook('before'), after: hook('after'), beforeEach: hook('beforeEach') });
syncBuiltinESMExports();
