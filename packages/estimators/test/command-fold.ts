import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { CryfoldError, sha256 } from '@cryfold/core';
import { CommandEngine } from '../src/command/engine.js';
import { type Command, commandFileKey, commandParameters } from '../src/command/parameters.js';
import type { EngineContext, Fold, FoldOutcome } from '../src/engine.js';

/** Twelve clips with two numbers each, sorted by class. */
const CLIPS = 12;
const labels = Int32Array.from({ length: CLIPS }, (_, clip) => Math.floor(clip / 6));
const features = { shape: [CLIPS, 2], data: Float32Array.from({ length: 2 * CLIPS }, (_, i) => Math.floor(i / 2)) };
export const test_ = Int32Array.of(0, 1, 2, 6, 7, 8);
const train = Int32Array.of(3, 4, 5, 9, 10, 11);

/** Code to read and write arrays, which is put at the start of the tests' scripts. */
const LIBRARY = `
import { readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
const numbers = (file, Type) => {
  const bytes = readFileSync(file);
  return new Type(bytes.buffer.slice(bytes.byteOffset + 10 + bytes.readUInt16LE(8), bytes.byteOffset + bytes.length));
};
const save = (values, rows, columns, file = fold.output) => {
  const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + rows + ", " + columns + "), }").padEnd(117) + "\\n";
  const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
  writeFileSync(file, Buffer.concat([prefix, Buffer.from(text), Buffer.from(Float64Array.from(values).buffer)]));
};
const rows = (values) => Array.from({ length: fold.test }, (_, row) => values(row)).flat();
`;

export interface Changes extends Partial<Command> {
  /** A second script that predicts */
  predicting?: string;
  keepModel?: boolean;
  test?: Int32Array;
}

export interface Trained {
  outcome: FoldOutcome;
  progress: number[];
  epochs: unknown[];
  groups: (number | undefined)[];
}

export async function run(script: string, changes: Changes = {}): Promise<Trained> {
  const { predicting, keepModel = false, test = test_, ...own } = changes;
  const scripts = { 'train.mjs': script, ...(predicting !== undefined && { 'predict.mjs': predicting }) };
  const bytes = new Map(
    Object.entries(scripts).map(([name, text]) => [name, new TextEncoder().encode(LIBRARY + text)] as const),
  );
  const parameters = commandParameters.parse({
    ...{ kind: 'command', run: [process.execPath, 'train.mjs'] },
    ...(predicting !== undefined && { predict: [process.execPath, 'predict.mjs'] }),
    files: Object.fromEntries(Array.from(bytes, ([name, content]) => [name, sha256(content)])),
    ...own,
  });
  const [progress, epochs, groups]: [number[], unknown[], (number | undefined)[]] = [[], [], []];
  const context: EngineContext = {
    data: {
      ...{ classes: ['a', 'b'], labels, featureKey: 'f', features: async () => features },
      groups: Array.from(labels, (label, clip) => `group-of-class-${label}-${clip % 3}`),
    },
    artifacts: {
      get: async (key) => [...bytes.values()].find((content) => key === commandFileKey(sha256(content))),
      open: async () => undefined,
      put: async () => {},
    },
    cacheDirectory: '',
    onProgress: (done, total) => progress.push(done / total),
    onEpoch: (point) => epochs.push({ ...point, seconds: 0 }),
    onGroup: (id) => groups.push(id),
  };
  const fold: Fold<Command> = {
    ...{ parameters, train, test, labels, seed: 8, grouped: true, keepModel },
    ...{ prerequisite: undefined, checkpoint: undefined },
  };
  const outcome = await new CommandEngine({ threads: 2, maxMemoryMb: 2000 }).fit(fold, context);
  return { outcome, progress, epochs, groups };
}

export const fails = (script: string, code: string, message: RegExp, changes: Changes = {}) =>
  assert.rejects(run(script, changes), (error) => {
    assert.ok(error instanceof CryfoldError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

/** Whether the process exists and is not a zombie. */
export const lives = async (pid: number) => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
};
