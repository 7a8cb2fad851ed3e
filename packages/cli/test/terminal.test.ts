import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError, printable } from '@cryfold/core';
import { ProgressDisplay } from '../src/progress.js';
import { errorText, jsonText, safe } from '../src/terminal.js';

const EVIL = 'a\u001b]52;c;aGk=\u0007\u001b[2J\u009b31m\u202egpj.wav\ncryfold: all is well\r';

test('keeps line breaks and cryfold’s own colours, and replaces other control characters', () => {
  assert.equal(safe('\u001b[1mTable\u001b[0m\n\tx'), '\u001b[1mTable\u001b[0m\n\tx');
  assert.equal(safe(EVIL), 'a\ufffd]52;c;aGk=\ufffd\ufffd[2J\ufffd31m\ufffdgpj.wav\ncryfold: all is well\ufffd');
});

test('prints JSON that contains no control characters and parses to the same value', () => {
  const value = { [EVIL]: [EVIL, 'ordinary ü 眠い', 1.5, null] };
  for (const indent of [undefined, 2]) {
    const text = jsonText(value, indent);
    assert.deepEqual(JSON.parse(text), value);
    assert.equal(safe(text), text);
  }
  assert.equal(jsonText({ label: 'schläfrig' }), '{"label":"schläfrig"}');
});

test('prevents a line break in a name from faking another message', () => {
  const error = new CryfoldError('WAV_INVALID', `${EVIL}: cannot be read`, { hint: 'Remove it.' });
  for (const line of safe(errorText(error)).trimEnd().split('\n').slice(1)) assert.match(line, /^ {2}\S/);
  assert.match(errorText(error), /\n {2}Remove it\.\n$/);
});

test('prints progress and messages without control characters from the data', () => {
  let written = '';
  const stream = { isTTY: true, columns: 200, write: (text: string) => (written += text) };
  const display = new ProgressDisplay(stream as unknown as NodeJS.WriteStream, false);
  display.update(EVIL);
  display.say(EVIL);
  const lines = written.replaceAll('\r\u001b[K', '').split('\n');
  assert.deepEqual(lines.map(printable), lines);
  assert.equal(lines.length, 3);
});
