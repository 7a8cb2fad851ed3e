import { readFileSync } from 'node:fs';
import { decodeText, EncodingError } from './decode-text.js';
import { CryfoldError } from './errors.js';

/**
 * A secret, or the mounted file that contains it. The file is read each time the secret is needed, because it may be
 * replaced while the process runs. Both forms can be serialised as JSON.
 */
export type Secret = string | Readonly<{ file: string; variable: string }>;

/**
 * Reads and trims the text of a file whose path is in an environment variable.
 * @throws CryfoldError USAGE, which never includes the text
 */
export function readNamedFile(variable: string, file: string): string {
  try {
    return decodeText(readFileSync(file)).trim();
  } catch (cause) {
    // Encoding errors quote the text, which would reveal the secret.
    const encoding = cause instanceof EncodingError;
    const why = encoding ? `line ${cause.line} of ${file} is not UTF-8` : (cause as Error).message;
    throw new CryfoldError('USAGE', `environment variable ${variable}: ${why}`, {
      ...(encoding ? {} : { cause }),
      context: { variable },
      hint: encoding ? cause.hint(file) : 'Set it to a mounted file that this process can read.',
    });
  }
}

/** Returns the current value of the secret. @throws CryfoldError USAGE */
export function readSecret(secret: Secret): string {
  return typeof secret === 'string' ? secret : readNamedFile(secret.variable, secret.file);
}
