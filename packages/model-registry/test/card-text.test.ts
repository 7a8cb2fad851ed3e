import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardText, type ModelCard, refitted } from '../src/index.js';

/** A card that has every part, with this text in each. */
function cardOf(evil: string): ModelCard {
  const hash = '0'.repeat(64);
  const figure = { mean: 1, standardDeviation: null, minimum: 1, maximum: 1 };
  return {
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
}

test('names from the data and the spec are text in a card, never markup, HTML or another cell', () => {
  const evil = '<script>x</script> | [a](b) **c** `d`\n# e \u001b[31m';
  const shown = '\\<script\\>x\\</script\\> \\| \\[a\\](b) \\*\\*c\\*\\* \\`d\\`\ufffd\\# e \ufffd\\[31m';
  const card = cardOf(evil);
  const text = cardText(card);
  assert.doesNotMatch(text, /(?<!\\)[<[`|]\w*(script|a\]|31m)/);
  assert.ok(text.includes(`| ${shown} | 1 | 1 |\n| belly_pain | 1 | 1 |`), text);
  assert.ok(text.includes(`- ${shown} of run ${shown}, refitted`), text);
  assert.equal(text.split('\n').filter((line) => /^# e/.test(line)).length, 0);
  assert.equal(text.includes('\u001b'), false);
});

test('a card says that the weights of the model or a member are random', () => {
  const { search: _, ...plain } = cardOf('net');
  const estimator = { kind: 'tl-resnet50', weights: 'random', learningRate: 1e-4, epochs: 3 };
  const pretrained = { ...estimator, weights: 'store:weights/x.h5#sha256=x' };
  const card = (of: string, net: object): ModelCard => ({
    ...{ ...plain, of, spec: { estimators: { net, svm: { kind: 'svm' } } } },
    members: [
      { name: 'net', kind: 'tl-resnet50', final: '0'.repeat(64), folder: 'members/net' },
      { name: 'svm', kind: 'svm', final: '0'.repeat(64), folder: 'members/svm' },
    ],
  });
  const text = cardText(card('net', estimator));
  assert.match(text, /^- net \(random weights\) of run/m);
  assert.match(text, /^- members: net \(tl-resnet50, random weights\), svm \(svm\)$/m);
  assert.equal(refitted(card('combined', estimator)), 'combined');
  assert.doesNotMatch(cardText(card('net', pretrained)), /random weights/);
});
