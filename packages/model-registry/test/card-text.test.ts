import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardText, type ModelCard } from '../src/index.js';

test('names from the data and the spec are text in a card, never markup, HTML or another cell', () => {
  const evil = '<script>x</script> | [a](b) **c** `d`\n# e \u001b[31m';
  const shown = '\\<script\\>x\\</script\\> \\| \\[a\\](b) \\*\\*c\\*\\* \\`d\\`\ufffd\\# e \ufffd\\[31m';
  const hash = '0'.repeat(64);
  const figure = { mean: 1, standardDeviation: null, minimum: 1, maximum: 1 };
  const card: ModelCard = {
    ...{ format: 1, name: 'm', version: 'aaaaaaaaaaa1', created: '2026-01-01T00:00:00.000Z' },
    ...{ cryfold: { version: '0', foldFormat: 1 }, notice: evil, intendedUse: evil, limits: [evil] },
    ...{ run: evil, of: evil, predictedBy: 'decisions', spec: {}, fusion: null, environment: {}, files: [] },
    data: {
      ...{ name: evil, contentHash: hash, clips: 1, groups: 1, grouped: false },
      classes: [evil, 'belly_pain'].map((label) => ({ label, clips: 1, groups: 1 })),
    },
    features: { kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 },
    members: [{ name: evil, kind: 'svm', final: hash, folder: 'members/svm' }],
    search: {
      ...{ algorithm: 'random', metric: 'accuracy', nested: true },
      winners: [{ member: evil, trial: evil, parameters: { [evil]: evil }, among: 1, plain: null, corrected: null }],
    },
    metrics: [
      {
        ...{ run: evil, protocol: evil, splitter: 's', folds: 1, repeats: 1, seed: 1, grouped: true },
        ...{ accuracy: figure, balancedAccuracy: figure, macroF1: figure, logLoss: figure, intervals: null },
        ...{ perClass: [{ label: evil, recall: 1, precision: 1 }], confusion: [], majorityShare: 1 },
      },
    ],
  };
  const text = cardText(card);
  assert.doesNotMatch(text, /(?<!\\)[<[`|]\w*(script|a\]|31m)/);
  assert.ok(text.includes(`| ${shown} | 1 | 1 |\n| belly_pain | 1 | 1 |`), text);
  assert.ok(text.includes(`- ${shown} of run ${shown}, refitted`), text);
  assert.equal(text.split('\n').filter((line) => /^# e/.test(line)).length, 0);
  assert.equal(text.includes('\u001b'), false);
});
