import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboardAssets } from '../src/index.js';

test('serves every script that the page’s scripts import', async () => {
  const assets = await dashboardAssets();
  const served = new Set(assets.map(({ path }) => path));
  for (const { path, text } of assets.filter(({ type }) => type.startsWith('text/javascript'))) {
    for (const [, name] of text.matchAll(/^(?:import|export)\b[^;]*?['"]([^'"]+)['"];$/gm)) {
      assert.match(name, /^\.\//, `${path} imports ${name}`);
      assert.ok(served.has(`/page/${name.slice(2)}`), `${path} imports ${name}`);
    }
  }
});
