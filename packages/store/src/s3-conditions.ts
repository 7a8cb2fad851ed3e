import { randomBytes } from 'node:crypto';
import { refusesCondition } from './s3-errors.js';
import { type PartsTarget, uploadInParts } from './s3-parts.js';
import { withAnswer } from './s3-transport.js';

interface Place {
  client: PartsTarget['client'];
  bucket: string;
  /** Maps a key to the name of its object */
  nameOf: (key: string) => string;
}

/**
 * Whether a server accepts a put of one byte but rejects the same put with a condition. A server may return the status
 * of an unsupported condition for other reasons, such as a full quota or two concurrent writers, but then both puts
 * fail.
 * @param kind a single request or a multipart upload, since a server may support the condition for only one of them
 */
export async function refusesOnlyCondition(place: Place, kind: 'put' | 'parts'): Promise<boolean> {
  const plain = await putByte(place, kind, false);
  return plain === undefined && refusesCondition(await putByte(place, kind, true));
}

/** Puts one byte, and removes it. @returns the error if that fails */
async function putByte({ client, bucket, nameOf }: Place, kind: 'put' | 'parts', ifAbsent: boolean): Promise<unknown> {
  const name = nameOf(`checks/${randomBytes(12).toString('hex')}`);
  const request = <T>(action: (attempt: number) => Promise<T>) => withAnswer(() => action(0));
  const byte = Buffer.of(1);
  try {
    if (kind === 'parts') {
      await uploadInParts([byte], { client, bucket, name, metadata: {}, ifAbsent, request });
    } else {
      const metadata = ifAbsent ? { 'If-None-Match': '*' } : {};
      await request(() => client.putObject(bucket, name, byte, byte.length, metadata));
    }
    await client.removeObject(bucket, name);
    return undefined;
  } catch (error) {
    return error;
  }
}
