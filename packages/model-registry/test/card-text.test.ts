import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOf } from '../src/card-text.js';
import { cardText, decodeCard, evaluationText, type ModelCard, refitted } from '../src/index.js';

const HASH = '0'.repeat(64);
const FIGURE = { mean: 1, standardDeviation: null, minimum: 1, maximum: 1 };

/** A card with `text` in every text field. */
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

test('shows an interval next to its pooled figure, never next to the mean over folds', () => {
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

test('reads a card of format 1, which has no pooled figures, and shows them as not recorded', () => {
  const old = { ...cardOf('x'), format: 1 };
  const card = decodeCard(new TextEncoder().encode(JSON.stringify(old)), 'card.json');
  assert.ok(cardText(card).includes('| accuracy | not recorded | none |'));
});

test('escapes names from data and spec in a card, so that they never become markup, HTML or another cell', () => {
  const evil = '<script>x</script> | [a](b) **c** `d`\n# e \u001b[31m';
  const shown = '\\<script\\>x\\</script\\> \\| \\[a\\](b) \\*\\*c\\*\\* \\`d\\`\ufffd\\# e \ufffd\\[31m';
  const text = cardText(cardOf(evil));
  assert.doesNotMatch(text, /(?<!\\)[<[`|]\w*(script|a\]|31m)/);
  assert.ok(text.includes(`| ${shown} | 1 | 1 |\n| belly_pain | 1 | 1 |`), text);
  assert.ok(text.includes(`- ${shown} of run ${shown}, refitted`), text);
  assert.equal(text.split('\n').filter((line) => /^# e/.test(line)).length, 0);
  assert.equal(text.includes('\u001b'), false);
});

test('shows problems that inflate the figures of a card, and promises nothing for new groups after a leak', () => {
  const leaky = cardOf('x', {
    ...{
      leaks: { sounds: 2, groups: 0 },
      warnings: ['2 sounds are in both train and test: these figures are inflated.', 'No <b>.'],
    },
  });
  const text = cardText(leaky);
  assert.ok(
    text.includes('### x\n**2 sounds are in both train and test: these figures are inflated.**\n\n**No \\<b\\>.**'),
    text,
  );
  assert.match(
    evaluationText(leaky) ?? '',
    /\(x\)\. 2 sounds are in both train and test: these figures are inflated\.$/,
  );
  const limit = (card: ModelCard, data: Partial<ModelCard['data']> = {}) =>
    limitsOf({ ...card, data: { ...card.data, clips: 9, groups: 3, ...data } })
      .filter((one) => /new groups/i.test(one))
      .at(-1);
  const clean = cardOf('x', { leaks: { sounds: 0, groups: 0 } });
  assert.match(
    limit(clean) ?? '',
    /^For new groups that are recorded in the same way, expect the figures of grouped folds/,
  );
  assert.match(limit(leaky) ?? '', /the same sounds are in train and test: the figures may be too optimistic/);
  assert.match(limit(cardOf('x')) ?? '', /were not searched for: the figures may be too optimistic/);
  const ungrouped = cardOf('x', { leaks: { sounds: 0, groups: 0 }, grouped: false });
  assert.match(limit(ungrouped) ?? '', /not evaluated on folds that keep groups together/);
  assert.match(limit({ ...clean, metrics: [...leaky.metrics, ...clean.metrics] }) ?? '', /^For new groups/);
});

test('a card counts the same trials as the correction, and uses the same wording as the report', () => {
  const winner = { member: 'svm', trial: 'svm-001', parameters: { C: 1 }, among: 1, plain: 0.7, pooled: 0.62 };
  const corrected = { mean: 0.55, low: 0.5, high: 0.6 };
  const shown = (more: object, metric = 'accuracy') =>
    cardText({
      ...cardOf('x'),
      search: { algorithm: 'asha', metric, nested: false, winners: [{ ...winner, corrected, ...more }] },
    });
  assert.match(
    shown({ begun: 27 }),
    /chosen among 27 trials \(1 of them complete\) by its mean accuracy over folds of 70\.00 %; pooled over all test clips it is 62\.00 %, corrected for the choice 55\.00 % \(95 % of bootstrap samples: 50\.00 % to 60\.00 %\)/,
  );
  assert.match(
    shown({ begun: 1, corrected: null }),
    /chosen among 1 trials by .*; no correction for the choice is valid/,
  );
  assert.match(shown({ begun: 3 }, 'logLoss'), /mean log-loss over folds of 0\.7000/);
  assert.match(shown({}), /chosen among trials of which 1 were completed/, 'an older card');
  assert.doesNotMatch(shown({ begun: 27 }), /complete trials/);
});

test('a card states whether the weights of the model or a member are random', () => {
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
  const winner = { member: 'net', trial: 'net-001', parameters: { 'augment.gain': 3 }, among: 1, plain: 1, pooled: 1 };
  const search = { algorithm: 'grid', metric: 'accuracy', nested: false, winners: [{ ...winner, corrected: null }] };
  assert.match(cardText({ ...card('net', estimator), search }), /^- net \(random weights\) of run/m, 'after a sweep');
});

test('a card makes claims about new groups only if groups are known', () => {
  const card = cardOf('x', { leaks: { sounds: 0, groups: 0 } });
  const limits = (data: Partial<ModelCard['data']>) =>
    limitsOf({ ...card, data: { ...card.data, clips: 9, groups: 3, ...data } }).join('\n');
  const known = limits({ groupSource: { kind: 'file-name', name: 'infant' } });
  assert.match(known, /9 clips of 3 groups: other groups[\s\S]*For new groups .* expect the figures of grouped folds/);
  const alone = limits({ groupSource: { kind: 'recording' }, groups: 9 });
  assert.match(alone, /Every clip is its own group: expect the figures of these folds for new groups/);
  const partial = limits({ groupSource: { kind: 'column', name: 'g', partial: true } });
  assert.match(partial, /but some recordings have no group, .* may be too optimistic for new groups/);
  const infants = {
    ...card,
    data: { ...card.data, clips: 9, groups: 3, groupSource: { kind: 'file-name', name: 'infant' } },
  };
  assert.match(
    cardText(infants as ModelCard),
    /9 clips; groups: 3 infants, by file name[\s\S]*interval \(over groups\)/,
  );
  for (const groupSource of [{ kind: 'none' }, { kind: 'sounds' }] as const) {
    const text = limits({ groupSource });
    assert.doesNotMatch(text, /infant|expect the figures|new groups/);
    assert.match(text, /Groups are not known: .* may be too optimistic for new sources/);
    const { data } = card;
    assert.match(cardText({ ...card, data: { ...data, groupSource } }), /groups: not known.*[\s\S]*over recordings/);
  }
});

test('a card states how many training clips the rule for other sounds rejects, or that it has no such rule', () => {
  const card = cardOf('x');
  assert.match(limitsOf(card)[1], /^The model always answers with one of its \d+ classes/);
  const likeness = {
    ...{ format: 1 as const, kind: 'mahalanobis' as const, mean: [0], scale: [1], factor: [1], distance: 1 },
    ...{ liveliness: 1, falseRejects: 0.0512, clips: 900 },
  };
  assert.match(limitsOf({ ...card, likeness })[1], /: 5\.1 % of 900 training clips, held out by group, were rejected/);
});
