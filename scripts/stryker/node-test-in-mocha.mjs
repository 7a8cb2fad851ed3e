// @ts-check
// Turns tests of node:test into tests of mocha, for which Stryker has a runner that keeps them loaded between mutants: a
// mutant then costs milliseconds instead of a process per test file. Covers what the unit tests of pure packages use.
import { createRequire, syncBuiltinESMExports } from 'node:module';

// No Python starts with this, so tests skip what they need it for: it would cost seconds per mutant.
process.env.PYTHONHOME = '/dev/null';

/** Tests that repeat a whole evaluation or audit many times: half a minute and more per mutant. */
const SIMULATIONS = [
  'an audit uses at most 600 recordings of 60 classes',
  'equally good models with different effects on each group differ at 5 % in about 5 % of cases',
  'makes no claim about recordings that differ by chance, at its level of significance',
];

/** The longest time that each test took, milliseconds. Quick tests run first, since the first failure ends a run. */
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
