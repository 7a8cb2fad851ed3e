import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResults } from '@cryfold/evaluation';
import { tableTwo } from '../src/index.js';
import { results } from './results.js';

/** Results with the given number of clips and kind of fusion. */
function withFusion(of: RunResults, clips: number, fusion: { method: string; nested?: boolean }): string {
  const models = of.models.map((model) => (model.name === 'combined' ? { ...model, ...fusion } : model));
  return tableTwo({ ...of, models, dataset: { ...of.dataset, clips } });
}

test('warns about a stacked fusion of few clips or of members near chance, unless it is nested', () => {
  const good = results();
  const weak = results({ svm: 0.05 });
  assert.match(
    withFusion(good, 299, { method: 'stacked' }),
    /^OPTIMISTIC: combined: .* fewer than 300 clips\. Set nested/m,
  );
  assert.match(withFusion(weak, 5000, { method: 'stacked' }), /^OPTIMISTIC: combined: .* barely better than/m);
  for (const text of [
    withFusion(good, 300, { method: 'stacked' }),
    withFusion(weak, 60, { method: 'stacked', nested: true }),
    withFusion(weak, 60, { method: 'mean' }),
  ]) {
    assert.doesNotMatch(text, /OPTIMISTIC/);
  }
});
