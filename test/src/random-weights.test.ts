import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { aggregate } from '@cryfold/aggregator';
import { openStore, RunStore } from '@cryfold/store';
import { cryfold, temporaryFolder } from './command.js';
import { writeRandomRun } from './random-run.js';

test('report and compare mention random weights, and stored data keeps the names in the spec', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => folder.remove());
  const url = `file:${join(folder.path, 'store')}`;
  const artifacts = openStore(url);
  const { run } = await writeRandomRun(artifacts, { clips: 240, repeats: 1 });
  await aggregate(new RunStore(artifacts), run);
  await artifacts.close();
  const output = async (...args: string[]) => {
    const { code, stdout, stderr } = await cryfold(args, { CRYFOLD_STORE: url });
    assert.ok(code === 0 || code === 5, `${args.join(' ')}: ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  const shown = 'tl-resnet50 (random weights)';
  const markdown = (await output('report', run, '--format', 'md')).replaceAll('\\', '');
  assert.match(markdown, /^\| tl-resnet50 \(random weights\) \|/m);
  assert.match(markdown, /The paper's figures are not shown: its protocols are RepeatedKFold, 10 repeats x 5 folds/);
  assert.ok((await output('fuse', run, '--rule', 'geometric')).includes(`${shown} `));
  const compared = await output('compare', run, run, '--model', 'tl-resnet50');
  assert.ok(compared.includes(`${shown} of ${run} is not shown to differ from ${shown} of ${run}`), compared);
  const json = await output('report', run, '--format', 'json');
  assert.ok(json.includes('"tl-resnet50"') && !json.includes('(random weights)'));
});
