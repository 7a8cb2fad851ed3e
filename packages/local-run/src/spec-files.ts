import { join } from 'node:path';
import { CryfoldError, readRegularFile, sha256 } from '@cryfold/core';
import { COMMAND_FILES_BYTES, kindOf } from '@cryfold/estimators';
import type { Spec } from '@cryfold/plan';

/**
 * Replaces the paths of files that estimators need by paths with hashes, so that a fold's key follows from their content.
 * @param folder that the paths start from: the spec's
 * @param files takes their bytes by their hex sha256
 * @throws CryfoldError SPEC_FILE_INVALID
 */
export async function resolveSpecFiles(spec: Spec, folder: string, files: Map<string, Uint8Array>): Promise<Spec> {
  const estimators: Spec['estimators'] = {};
  for (const [name, estimator] of Object.entries(spec.estimators)) {
    const kind = kindOf(estimator);
    estimators[name] = estimator;
    if (!kind.files) continue;
    const hashes: Record<string, string> = {};
    let bytes = 0;
    for (const path of kind.files.of(estimator)) {
      const content = await readSpecFile(join(folder, path), `estimators.${name}.files`);
      bytes += content.length;
      if (bytes > COMMAND_FILES_BYTES) throw tooLarge(name);
      hashes[path] = sha256(content);
      files.set(hashes[path], content);
    }
    estimators[name] = kind.files.with(estimator, hashes);
  }
  return { ...spec, estimators };
}

async function readSpecFile(path: string, key: string): Promise<Uint8Array> {
  try {
    return await readRegularFile(path, COMMAND_FILES_BYTES);
  } catch (cause) {
    throw new CryfoldError('SPEC_FILE_INVALID', `${key}: ${path}: ${(cause as Error).message}`, {
      cause,
      context: { file: path, key },
      hint: 'Paths start from the folder of the spec. Name a file that is there, or leave it out.',
    });
  }
}

function tooLarge(name: string): CryfoldError {
  return new CryfoldError('SPEC_FILE_INVALID', `estimators.${name}.files: more than ${COMMAND_FILES_BYTES} bytes`, {
    context: { key: `estimators.${name}.files`, limit: COMMAND_FILES_BYTES },
    hint: 'These files travel to every worker: name programs, not data. Install large files on the workers.',
  });
}
