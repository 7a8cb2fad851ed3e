import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { encodePng } from '../src/html/png.js';
import {
  comparisonTable,
  csvReport,
  htmlReport,
  markdownReport,
  pooledTable,
  protocolTable,
  terminalReport,
} from '../src/index.js';
import { hostile, results } from './results.js';

const tagsOf = (page: string) => new Set([...page.matchAll(/<([a-zA-Z][\w-]*)/g)].map(([, tag]) => tag.toLowerCase()));

const times = [
  { trial: 'svm', repeat: 0, fold: 0, host: 'a', started: 0, seconds: 2 },
  { trial: 'svm', repeat: 0, fold: 1, host: 'a', started: 1000, seconds: 2 },
];
const point = { loss: 1, accuracy: 0.5, testLoss: 1, testAccuracy: 0.4, seconds: 1 };
const outcome = {
  ...{ clip: hostile[0], group: hostile[1], label: hostile[2], predictions: 4, wrong: 4, truth: 0.1 },
  mistakenFor: hostile[0],
  byModel: { svm: { predictions: 4, wrong: 4 } },
};
const image = { pixels: new Uint8Array(12), width: 2, height: 2 };

test('writes HTML without scripts, external resources or markup from the data', async () => {
  const r = results({}, { labels: hostile, name: hostile[0] });
  r.environment = { [hostile[0]]: hostile[1] };
  r.spec = { [hostile[0]]: hostile[1] };
  r.missing = [{ model: 'svm', repeat: 0, fold: 0, code: null, reason: hostile[1] }];
  r.status = 'incomplete';
  const page = await htmlReport({
    results: r,
    beside: [r],
    outcomes: [outcome],
    hardest: [{ outcome, image, audio: new Uint8Array(4) }],
    curves: { 'small-cnn': [[{ epoch: 0, ...point }]] },
    foldTimes: times.map((time) => ({ ...time, trial: hostile[0], host: hostile[1] })),
    hashes: { [hostile[0]]: hostile[1] },
  });
  const tags = tagsOf(page);
  for (const tag of ['script', 'b', 'iframe', 'object', 'form']) assert.ok(!tags.has(tag), tag);
  assert.equal([...page.matchAll(/<img /g)].length, 1, 'one spectrogram, and no image of the data');
  assert.equal([...page.matchAll(/<svg /g)].length, 4, 'strip plot, calibration, learning curve, timeline');
  const attributes = [...page.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, value]) => value);
  for (const value of attributes) assert.match(value, /^(#|data:)/);
  assert.doesNotMatch(page.replaceAll('http://www.w3.org/', ''), /https?:\/\//);
  assert.doesNotMatch(page, / on\w+="/);
});

test('writes equal bytes for equal input, regardless of earlier charts', async () => {
  const input = { results: results(), foldTimes: times };
  assert.equal(await htmlReport(input), await htmlReport(input));
});

test('shows warnings before the first figure', async () => {
  for (const write of [async (r: Parameters<typeof markdownReport>[0]) => htmlReport({ results: r }), markdownReport]) {
    const useless = await write(results({ 'small-cnn': 0, 'tl-resnet50': 0, svm: 0 }, { holes: [3] }));
    const first = useless.search(/<table|\n\|/);
    const warning = useless.indexOf('No model beats always predicting the majority class');
    assert.ok(warning > 0 && warning < first);
    assert.ok(useless.indexOf('INCOMPLETE') < first && useless.includes('svm, repeat 0, fold 3'));
    const good = await write(results());
    assert.doesNotMatch(good, /No model beats|INCOMPLETE/);
    for (const text of [useless, good])
      assert.ok(/same group are in train and test/.exec(text)!.index < text.search(/<table|\n\|/));
  }
});

test('writes well-formed Markdown tables, into which data cannot inject markup', () => {
  const text = markdownReport(results({}, { labels: hostile, name: hostile[0] }));
  assert.doesNotMatch(text, /(?<!\\)</);
  for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
    const widths = block.split('\n').map((line) => [...line.matchAll(/(?<!\\)\|/g)].length);
    assert.equal(new Set(widths).size, 1, block);
  }
  assert.ok([...text.matchAll(/^\| small\\?-cnn/gm)].length >= 2);
});

test('writes a CSV row per model and fold with the figures of results.json', () => {
  const r = results({}, { holes: [2] });
  const [head, ...rows] = csvReport(r).trim().split('\n');
  assert.equal(rows.length, r.models.reduce((sum, { folds }) => sum + folds.length, 0) + 10);
  const column = head.split(',').indexOf('accuracy');
  const own = rows.map((row) => row.split(',')).filter(([name]) => name === 'combined');
  assert.deepEqual(
    own.map((cells) => Number(cells[column])),
    r.models.at(-1)!.folds.map(({ accuracy }) => accuracy),
  );
});

test('encodes pixels as PNG without loss', () => {
  const pixels = Uint8Array.from({ length: 3 * 5 * 3 }, (_, i) => (i * 37) % 256);
  const png = Buffer.from(encodePng(pixels, 5, 3));
  assert.equal(png.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [5, 3]);
  // The checksum of the empty IEND chunk is the same in every PNG.
  assert.equal(png.subarray(-4).toString('hex'), 'ae426082');
  const length = png.readUInt32BE(33);
  const rows = inflateSync(png.subarray(41, 41 + length));
  const back = [0, 1, 2].flatMap((y) => [...rows.subarray(y * 16 + 1, (y + 1) * 16)]);
  assert.deepEqual(back, [...pixels]);
});

test('makes no claims about groups if they are unknown, and notes this next to intervals and p-values', async () => {
  for (const groups of [10, 100]) {
    const unknown = results({}, { groups, groupSource: { kind: 'none' } });
    for (const text of [
      await htmlReport({ results: unknown }),
      markdownReport(unknown),
      terminalReport(unknown),
      protocolTable([unknown, unknown]),
    ]) {
      assert.doesNotMatch(text, /infant|no group is|by groups, not clips|p by groups/i);
      assert.match(text, /groups are not known/);
    }
    assert.match(comparisonTable(unknown), /treat recordings as independent/);
    assert.match(pooledTable(unknown), /treat recordings as independent/);
  }
});
