import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Returns the output of a tool with --json. The output only depends on the options. */
async function simulate(tool: string, ...options: string[]) {
  const program = fileURLToPath(new URL(`../src/${tool}.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options, '--json']);
  return JSON.parse(stdout);
}

test('on noise, a corrected winner scores at chance level, but with asha only if no trial stops early', async () => {
  const { rows } = await simulate('simulate-asha', '--sweeps', '8', '--samples', '100');
  const [random, racing, asha, allFolds] = rows;
  for (const { plain, corrected, truth } of [random, racing, allFolds]) {
    assert.equal(truth.mean, 0.5);
    assert.ok(plain.mean > 0.58, `plain ${plain.mean}`);
    assert.ok(Math.abs(corrected.mean - 0.5) < 0.04, `corrected ${corrected.mean}`);
  }
  assert.ok(asha.plain.mean > 0.56, `plain ${asha.plain.mean}`);
  assert.equal(asha.corrected, null);
  assert.ok(asha.amongComplete.mean > 0.52, `among complete trials ${asha.amongComplete.mean}`);
});

test('on noise, a stacked fusion looks better than chance, and a nested one does not', async () => {
  const { rows } = await simulate('simulate-stacking', '--clips', '60', '--sets', '12');
  const { stacked, 'stacked-nested': nested } = rows[0].accuracy;
  assert.ok(stacked.mean - nested.mean > 0.02, `${stacked.mean} and ${nested.mean}`);
  assert.ok(nested.mean < 0.53, `nested ${nested.mean}`);
});
