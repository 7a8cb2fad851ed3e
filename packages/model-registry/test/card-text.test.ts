import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOf } from '../src/card-text.js';
import { cardText, decodeCard, type ModelCard, refitted } from '../src/index.js';

const HASH = '0'.repeat(64);
const FIGURE = { mean: 1, standardDeviation: null, minimum: 1, maximum: 1 };

/** A card whose every text is `text`. */
function cardOf(text: string, metrics: Partial<ModelCard['metrics'][number]> = {}): ModelCard {
  return {
    ...{ format: 3, name: 'm', version: 'aaaaaaaaaaa1', created: '2026-01-01T00:00:00.000Z' },
    ...{ cryfold: { version: '0', foldFormat: 1 }, notice: text, intendedUse: text, limits: [text] },
    ...{ run: text, of: text, predictedBy: 'decisions', spec: {}, fusion: null, environment: {}, files: [] },
    data: {
      ...{ name: text, contentHash: HASH, clips: 1, groups: 1, grouped: false },
      classes: [text, 'belly_pain'].map((label) => ({ label, clips: 1, groups: 1 })),
    },
    features: { kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 },
    members: [{ name: text, kind: 'svm', final: HASH, folder: 'members/svm' }],
    search: {
      ...{ algorithm: 'random', metric: 'accuracy', nested: true },
      winners: [{ member: text, trial: text, parameters: { [text]: text }, among: 1, plain: null, corrected: null }],
    },
    metrics: [
      {
        ...{ run: text, protocol: text, splitter: 's', folds: 1, repeats: 1, seed: 1, grouped: true },
        ...{ accuracy: FIGURE, balancedAccuracy: FIGURE, macroF1: FIGURE, logLoss: FIGURE, intervals: null },
        ...{ perClass: [{ label: text, recall: 1, precision: 1 }], confusion: [], majorityShare: 1 },
        ...metrics,
      },
    ],
  };
}

test('an interval stands beside the pooled figure that it belongs to, never beside the mean over folds', () => {
  const interval = { low: 0.4687, high: 0.6649 };
  const text = cardText(
    cardOf('x', {
      balancedAccuracy: { mean: 0.6151, standardDeviation: 0.1, minimum: 0.4, maximum: 0.8 },
      pooled: { accuracy: 0.5, balancedAccuracy: 0.5328, macroF1: 0.5, logLoss: 1 },
      intervals: { level: 0.95, accuracy: null, balancedAccuracy: interval, macroF1: interval },
    }),
  );
  const lines = text.split('\n').filter((line) => line.includes('balanced accuracy'));
  assert.deepEqual(lines, [
    '| balanced accuracy | 61.51 % | 10.00 % | 40.00 % to 80.00 % |',
    '| balanced accuracy | 53.28 % | 46.87 % to 66.49 % |',
  ]);
  assert.ok(text.includes('| accuracy | 50.00 % | none |'));
});

test('a card of format 1, without pooled figures, is read and says that they are not recorded', () => {
  const old = { ...cardOf('x'), format: 1 };
  const card = decodeCard(new TextEncoder().encode(JSON.stringify(old)), 'card.json');
  assert.ok(cardText(card).includes('| accuracy | not recorded | none |'));
});

test('names from the data and the spec are text in a card, never markup, HTML or another cell', () => {
  const evil = '<script>x</script> | [a](b) **c** `d`\n# e \u001b[31m';
  const shown = '\\<script\\>x\\</script\\> \\| \\[a\\](b) \\*\\*c\\*\\* \\`d\\`\ufffd\\# e \ufffd\\[31m';
  const text = cardText(cardOf(evil));
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

test('a card promises figures of new infants only where the data says who is who', () => {
  const card = cardOf('x');
  const limits = (data: Partial<ModelCard['data']>) =>
    limitsOf({ ...card, data: { ...card.data, clips: 9, groups: 3, ...data } }).join('\n');
  const known = limits({ groupSource: { kind: 'file-name', name: 'infant' } });
  assert.match(known, /9 clips of 3 infants[\s\S]*folds grouped by infant are those to expect of new infants/);
  for (const groupSource of [{ kind: 'none' }, { kind: 'sounds' }] as const) {
    const text = limits({ groupSource });
    assert.doesNotMatch(text, /infant|those to expect/);
    assert.match(text, /Groups are not known: .* may be too good for new sources/);
    const { data } = card;
    assert.match(cardText({ ...card, data: { ...data, groupSource } }), /groups: not known.*[\s\S]*over recordings/);
  }
});
