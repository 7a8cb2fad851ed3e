import { readFileSync } from 'node:fs';
import { decodeText, EncodingError } from './decode-text.js';
import { CryfoldError } from './errors.js';

/**
 * A secret, or the mounted file that holds it. A file is read each time that the secret is needed, since it may be
 * replaced while a process runs. Both survive JSON.
 */
export type Secret = string | Readonly<{ file: string; variable: string }>;

/**
 * The text of a file that an environment variable names, trimmed.
 * @throws CryfoldError USAGE that never holds the text
 */
export function readNamedFile(variable: string, file: string): string {
  try {
    return decodeText(readFileSync(file)).trim();
  } catch (cause) {
    // Messages about encodings show the text, which is a secret.
    const encoding = cause instanceof EncodingError;
    const why = encoding ? `line ${cause.line} of ${file} is not UTF-8` : (cause as Error).message;
    throw new CryfoldError('USAGE', `environment variable ${variable}: ${why}`, {
      ...(encoding ? {} : { cause }),
      context: { variable },
      hint: encoding ? cause.hint(file) : 'It must name a mounted file that this process may read.',
    });
  }
}

/** What the secret is now. @throws CryfoldError USAGE */
export function readSecret(secret: Secret): string {
  return typeof secret === 'string' ? secret : readNamedFile(secret.variable, secret.file);
}
