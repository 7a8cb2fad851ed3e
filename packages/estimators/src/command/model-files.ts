import { CryfoldError, decodeRecord, encodeRecord, FORMATS, sha256 } from '@cryfold/core';
import { z } from 'zod';
import { type Command, commandParameters, pathBelow } from './parameters.js';

const RECORD = 'command.json';
const { predict, parameters, output, timeoutMinutes, memoryMb } = commandParameters.shape;

/**
 * `command.json` of a stored model, which describes how to predict with it. The model's files are named by their
 * hashes.
 */
const recordSchema = z.strictObject({
  format: z.literal(FORMATS.model),
  ...{ predict: predict.unwrap(), parameters, output, timeoutMinutes, memoryMb },
  classes: z.array(z.string()).min(1),
  /** Shape of one row of the features */
  shape: z.array(z.int().positive()),
  seed: z.int().nonnegative(),
  threads: z.int().min(1),
  /** The sha256 of each file in the program's folder */
  files: z.record(pathBelow, z.string().regex(/^[0-9a-f]{64}$/)),
});

/** The trained files of a command, with everything else that is needed to predict. */
export interface CommandModel extends Pick<Command, 'parameters' | 'output' | 'timeoutMinutes' | 'memoryMb'> {
  predict: readonly string[];
  classes: readonly string[];
  shape: readonly number[];
  seed: number;
  threads: number;
  /** The command's own files and its trained files, as bytes by path */
  files: ReadonlyMap<string, Uint8Array>;
}

const blob = (hash: string): string => `${hash}.bin`;

/** Encodes the files of a model. File names that a program has chosen appear only in `command.json`. */
export function* encodeModel({ files, ...model }: CommandModel): Generator<readonly [string, Uint8Array]> {
  const hashes = new Map(Array.from(files, ([path, bytes]) => [path, sha256(bytes)]));
  yield [RECORD, encodeRecord({ format: FORMATS.model, ...model, files: Object.fromEntries(hashes) })];
  const written = new Set<string>();
  for (const [path, bytes] of files) {
    const name = blob(hashes.get(path) ?? '');
    if (!written.has(name)) yield [name, bytes];
    written.add(name);
  }
}

/** @throws CryfoldError JOB_INVALID, FORMAT_NEWER, ARTIFACT_MISSING, ARTIFACT_CORRUPT */
export function decodeModel(file: (name: string) => Uint8Array): CommandModel {
  const { format: _, files, ...record } = decodeRecord(recordSchema, file(RECORD), RECORD);
  const all = Object.entries(files).map(([path, hash]) => {
    const bytes = file(blob(hash));
    if (sha256(bytes) === hash) return [path, bytes] as const;
    throw new CryfoldError('ARTIFACT_CORRUPT', `${blob(hash)}: the bytes of ${path} have a different hash`, {
      context: { file: path },
      hint: 'Train the model again.',
    });
  });
  return { ...record, files: new Map(all) };
}
