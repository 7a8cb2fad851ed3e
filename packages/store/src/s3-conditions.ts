import { randomBytes } from 'node:crypto';
import { refusesCondition } from './s3-errors.js';
import { type PartsTarget, uploadInParts } from './s3-parts.js';
import { withAnswer } from './s3-transport.js';

interface Place {
  client: PartsTarget['client'];
  bucket: string;
  /** The object's name of a key */
  nameOf: (key: string) => string;
}

/**
 * Whether a server takes a put of one byte, and refuses the same put with a condition. A full quota, or two writers at
 * once, can be answered as an unknown condition is; but the byte then passes both times.
 * @param kind one request, or an upload in parts: a server may know the condition of one alone
 */
export async function refusesOnlyCondition(place: Place, kind: 'put' | 'parts'): Promise<boolean> {
  const plain = await putByte(place, kind, false);
  return plain === undefined && refusesCondition(await putByte(place, kind, true));
}

/** Puts a byte once, and removes it. @returns the error if that fails */
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
