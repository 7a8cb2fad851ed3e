import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { asTyped, rememberGiven } from '../src/command-text.js';

afterEach(() => {
  rememberGiven({});
  delete process.env.npm_lifecycle_event;
});

test('adds the given flags to commands in a message, and leaves prose unchanged', () => {
  process.env.npm_lifecycle_event = 'npx';
  const text = 'cryfold status a-1 shows more, and npx cryfold retry a-1 continues; an older cryfold wrote it.';
  assert.equal(
    asTyped(text),
    'npx cryfold status a-1 shows more, and npx cryfold retry a-1 continues; an older cryfold wrote it.',
  );
  rememberGiven({ store: "it's here" });
  assert.equal(asTyped('cryfold list'), "npx cryfold --store 'it'\\''s here' list");
  const words = [
    'data synth DIR',
    'data inspect DIR',
    'doctor',
    'pause a-1',
    'resume a-1',
    'schedule a-1',
    'weights fetch X',
  ];
  for (const word of words) assert.equal(asTyped(`cryfold ${word}`), `npx cryfold --store 'it'\\''s here' ${word}`);
  assert.equal(asTyped('cryfold list', 'old/store'), 'npx cryfold --store old/store list');
  rememberGiven({ server: 'http://h:8080' });
  assert.equal(asTyped('cryfold weights put'), 'npx cryfold --server http://h:8080 weights put');
  assert.equal(asTyped('/usr/bin/cryfold list, my-cryfold list'), '/usr/bin/cryfold list, my-cryfold list');
});
