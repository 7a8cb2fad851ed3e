import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '@cryfold/core';
import { runFiles, safeName, yaml } from '../src/mlflow-files.js';

test('prevents names from leaving their folder, exceeding file system limits, or overwriting each other', () => {
  const metrics = Object.fromEntries(
    ['a/b', 'a_b', 'a:b', '../../x', '眠'.repeat(200)].map((label) => [`recall.${label}`, 1]),
  );
  const files = runFiles('file:///x', 'exp', {
    ...{ key: 'k', name: 'n', start: 0, end: 0, status: 'finished' as const, tags: {} },
    params: { 'data.name': 'two\nlines\u001b[2J', 'data\u0000name': 'x' },
    metrics,
  });
  const names = [...files.keys()].filter((path) => path.includes('/metrics/') && !path.endsWith('/'));
  assert.equal(names.length, Object.keys(metrics).length);
  for (const path of files.keys()) {
    const parts = path.split('/');
    assert.ok(parts.length <= 4 && !parts.includes('..'), path);
    assert.ok(Buffer.byteLength(parts.at(-1)!) <= 250, path);
  }
  const read = (name: string) => [...files].find(([path]) => path.endsWith(name))?.[1];
  assert.equal(read('/params/data.name'), 'two\ufffdlines\ufffd[2J');
  assert.ok(names.some((path) => path.endsWith('/metrics/recall.a_b')));
});

test('distinguishes names that differ only in punctuation, in the same way in all runs', () => {
  const labels = ['pain?', 'pain!', 'pain_', 'pain ?', 'x'.repeat(300), 'x'.repeat(301)];
  assert.equal(new Set(labels.map(safeName)).size, labels.length);
  assert.equal(safeName('pain_'), 'pain_');
  const exported = (...names: string[]) => {
    const metrics = Object.fromEntries(names.map((name) => [name, 1]));
    const run = { ...{ key: 'k', name: 'n', start: 0, end: 0, tags: {}, params: {} }, status: 'finished' as const };
    return [...runFiles('file:///x', 'exp', { ...run, metrics }).keys()].filter((path) => /metrics\/./.test(path));
  };
  assert.deepEqual(exported('pain!', 'pain?').sort(), [...exported('pain!'), ...exported('pain?')].sort());
});

test('keeps ordinary names unchanged', () => {
  for (const name of ['recall.belly pain', 'fold.macro_f1', 'recall.Schläfrig-2']) assert.equal(safeName(name), name);
});

test('escapes control characters in YAML values', () => {
  const text = yaml({ name: 'a\u0085b\u2028"c"\n: d\u001b' });
  assert.equal(text.trimEnd(), printable(text.trimEnd()));
  assert.equal(JSON.parse(text.slice('name: '.length)), 'a\u0085b\u2028"c"\n: d\u001b');
});
