import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { CryfoldError } from '@cryfold/core';

/** What keras.applications publishes for ResNet50, with its md5 (WEIGHTS_HASHES in its source). */
const PUBLISHED = {
  name: 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5',
  md5: '4d473c1dd8becc155b73f8504c6f6626',
};

/**
 * Reads a weights file once and checks that it has the hash. Under the name of the file that keras.applications
 * publishes, it must have that one's md5 where no hash is given.
 * @param hash hex md5 or sha256
 * @returns the file's sha256, hex: what identifies the weights in a fold key
 * @throws CryfoldError WEIGHTS_NOT_FOUND, WEIGHTS_INVALID
 */
export async function verifyWeightsFile(path: string, hash?: string): Promise<string> {
  const wanted = (hash ?? (basename(path) === PUBLISHED.name ? PUBLISHED.md5 : '')).toLowerCase();
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) {
      md5.update(chunk);
      sha256.update(chunk);
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new CryfoldError('WEIGHTS_NOT_FOUND', `${path}: ${why === 'ENOENT' ? 'no such file' : `unreadable (${why})`}`, {
      context: { file: path },
      hint: `Give the path of Keras's ${PUBLISHED.name}, or say weights: random.`,
      cause,
    });
  }
  const digests = [md5.digest('hex'), sha256.digest('hex')];
  if (wanted !== '' && !digests.includes(wanted)) {
    const algorithm = wanted.length === 32 ? 0 : 1;
    throw new CryfoldError('WEIGHTS_INVALID', `${path}: its hash is ${digests[algorithm]}, not ${wanted}`, {
      context: { file: path, expected: wanted },
      hint: 'Copy the file again from where it came, or mend the hash.',
    });
  }
  return digests[1];
}
