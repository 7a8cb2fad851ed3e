import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteEnvironment } from '../src/note-environment.js';

test('lists at most ten values that differ between folds', () => {
  const all: Record<string, string> = {};
  for (let fold = 0; fold < 1000; fold++) {
    noteEnvironment(all, 'net', { tool: `${fold % 2}`, 'peak memory, MiB': `${fold}`, host: `h${fold}` });
  }
  assert.deepEqual(all, {
    'net.tool': '0 | 1',
    'net.peak memory, MiB': '0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | ...',
  });
});
