import { join } from 'node:path';
import { CryfoldError, readRegularFile, sha256 } from '@cryfold/core';
import { COMMAND_FILES_BYTES, kindOf } from '@cryfold/estimators';
import type { Spec } from '@cryfold/plan';

/**
 * Adds hashes to the paths of files that estimators need, so that fold keys depend on their content.
 * @param folder folder of the spec, to which paths are relative
 * @param files receives the content of the files by sha256 (hex)
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
      hint: 'Paths are relative to the folder of the spec. Correct the path, or remove it.',
    });
  }
}

function tooLarge(name: string): CryfoldError {
  return new CryfoldError('SPEC_FILE_INVALID', `estimators.${name}.files: more than ${COMMAND_FILES_BYTES} bytes`, {
    context: { key: `estimators.${name}.files`, limit: COMMAND_FILES_BYTES },
    hint: 'These files are sent to every worker, so list programs, not data. Install large files on the workers.',
  });
}
