import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_GROUPS } from '@cryfold/core';
import { auditRecordings } from '@cryfold/evaluation';
import { auditText, htmlReport, tableTwo } from '../src/index.js';
import { hostile, results } from './results.js';

/** Audits two classes with different sampling rates. */
function auditOf(labels: readonly string[]) {
  const recordings = Array.from({ length: 20 }, (_, i) => ({
    ...{ label: labels[i % 2], group: `${i}`, clips: 1, format: 'WAV', rate: i % 2 === 0 ? 44100 : 8000, bits: 16 },
    ...{ channels: 1, seconds: 1, level: -20 - i / 3, bandwidth: 3000, silence: 0.125, clipping: 0 },
  }));
  return auditRecordings({ recordings, classes: [...labels].sort(), groupSource: NO_GROUPS, sounds: [] });
}

test('prints an audit as text: warnings first, then all tables', () => {
  const text = auditText(auditOf(['dog', 'cat']));
  assert.match(
    text,
    /^warning: The sampling rate alone distinguishes classes: class cat has 8,000 Hz, class dog has 44,100/,
  );
  assert.match(text, /\ndog +10 +10 +0\.2 +10 /);
  assert.match(text, /\ncat +WAV \(10\) +8,000 Hz \(10\) +16 bits \(10\) +1 channel \(10\)\n/);
  assert.match(text, /\ndog +1\.00 \(1\.00 to 1\.00\) +-2\d\.\d .* 12\.5 +0\.00\n/);
  assert.match(text, /chance 50\.0 %\n.*\nfile properties together +100\.0 +0\.005\n/);
});

test('adds an audit section with escaped names to the HTML report, but only if there is an audit', async () => {
  const page = await htmlReport({ results: { ...results(), audit: auditOf(hostile.slice(0, 2)) } });
  assert.match(page, /<h2 id="audit">Data audit<\/h2>/);
  assert.match(page, /<li><strong>The sampling rate alone distinguishes classes/);
  assert.doesNotMatch(page, /<script|<img|onerror="/);
  assert.doesNotMatch(await htmlReport({ results: results() }), /Data audit/);
});

test('warns if all estimators classify every clip correctly, and only then', () => {
  const all = { 'small-cnn': 1, 'tl-resnet50': 1, svm: 1 };
  assert.match(tableTwo(results(all)), /^Every estimator classifies every test clip correctly\. .*cryfold data audit/);
  assert.doesNotMatch(tableTwo(results({ ...all, svm: 0.95 })), /classifies every/);
});
