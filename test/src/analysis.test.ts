import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, ownStore, ROOT, temporaryFolder } from './command.js';
import { withoutRedis } from './testbed.js';

const has = (module: string) => spawnSync('python3', ['-c', `import ${module}`]).status === 0;
const skip = withoutRedis || (!has('pandas') && 'python3 on PATH has no pandas');

const SPEC = `
version: 1
name: analysed
features: { height: 16, width: 16 }
protocol: { folds: 3, repeats: 1 }
estimators: { wide: { kind: svm }, narrow: { kind: svm, C: 1 } }
fusion: { both: { members: [wide, narrow] } }
`;

test('examples/analysis.py reproduces the metrics of a run, and plots them if matplotlib is installed', {
  skip,
}, async (t) => {
  const folder = await temporaryFolder();
  t.after(folder.remove);
  const path = (name: string) => join(folder.path, name);
  await synthesizeCorpus(path('corpus'), { clips: 60, seed: 0 });
  await writeFile(path('spec.yaml'), SPEC);
  const run = await cryfold(['run', path('spec.yaml'), '--data', path('corpus'), ...ownStore(path('out'))]);
  assert.equal(run.code, 0, run.stderr);
  const script = join(ROOT, 'examples', 'analysis.py');
  const plot = path('plot.png');
  const { status, stdout, stderr } = spawnSync('python3', [script, path('out'), join(path('out'), 'store'), plot], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^narrow +0\.\d{4} /m);
  assert.match(stdout, /features of 60 clips: uint8 \(60, 16, 16, 3\)/);
  assert.equal(existsSync(plot), has('matplotlib'));
});
