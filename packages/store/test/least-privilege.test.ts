import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { findTool, S3Server } from '@cryfold/testing';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { type ArtifactStore, openStore } from '../src/index.js';

// versitygw does not support user policies.
const program = await findTool('minio');
const server = program ? await S3Server.start({ tool: 'minio', program }) : undefined;
const skip = server === undefined && 'MinIO is neither on PATH, in $CRYFOLD_TOOLS nor cached';
after(() => server?.stop());

/** Opens stores below `mine/` as a user that only has the permissions required by docs/storage.md. */
async function asDocumentedUser({ port, accessKey, secretKey, bucket }: S3Server) {
  const documentation = await readFile(new URL('../../../../docs/storage.md', import.meta.url), 'utf8');
  const policy = /```json\n([\s\S]*?)```/.exec(documentation)?.[1] ?? assert.fail('docs/storage.md contains no policy');
  const endpoint = `http://127.0.0.1:${port}`;
  const user = await new AssumeRoleProvider({
    ...{ stsEndpoint: endpoint, accessKey, secretKey, action: 'AssumeRole', durationSeconds: 3600 },
    policy: JSON.stringify(JSON.parse(policy.replaceAll('BUCKET', bucket).replaceAll('PREFIX', 'mine'))),
  }).getCredentials();
  const settings = {
    ...{ endpoint, region: 'us-east-1', addressing: 'path' as const },
    ...{ accessKey: user.getAccessKey(), secretKey: user.getSecretKey(), sessionToken: user.getSessionToken() },
  };
  return (prefix: string) => openStore(`s3://${bucket}/${prefix}`, settings, { patienceMs: 1000 });
}

async function keys(store: ArtifactStore): Promise<string[]> {
  const found: string[] = [];
  for await (const key of store.list('')) found.push(key);
  return found;
}

test('the documented policy is sufficient for a store and does not allow anything outside its prefix', {
  skip,
}, async () => {
  const open = await asDocumentedUser(server as S3Server);
  const mine = open('mine');
  await mine.check();
  const large = new Uint8Array(17 * 2 ** 20).fill(7);
  await mine.put('a/large', large);
  assert.equal(await mine.putIfAbsent('a/small', Uint8Array.of(1)), true);
  assert.equal(await mine.putIfAbsent('a/small', Uint8Array.of(2)), false);
  assert.equal((await mine.get('a/large'))?.length, large.length);
  assert.equal(await mine.get('a/absent'), undefined);
  assert.equal((await mine.stat('a/small'))?.bytes, 1);
  assert.deepEqual(await keys(mine), ['a/large', 'a/small']);
  await mine.delete('a/large');
  assert.equal(await mine.has('a/large'), false);
  await mine.close();
  const others = open('others');
  const denied = (error: unknown) => error instanceof CryfoldError && error.code === 'STORE_DENIED';
  await assert.rejects(others.put('a/x', Uint8Array.of(1)), denied);
  await assert.rejects(others.get('a/x'), denied);
  await assert.rejects(keys(others), denied);
  await assert.rejects(others.delete('a/x'), denied);
  await others.close();
});
