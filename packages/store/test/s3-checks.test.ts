import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, mock, test } from 'node:test';
import { CryfoldError, type ErrorCode } from '@cryfold/core';
import { findTool, S3_TOOLS, S3Server } from '@cryfold/testing';
import { openStore, type S3Settings } from '../src/index.js';

/** Milliseconds within which a failure counts as immediate; less than the time for which a request is retried. */
const AT_ONCE_MS = 2500;

/** Asserts that an action fails with a code. @returns the error */
async function fails(action: Promise<unknown>, code: ErrorCode): Promise<CryfoldError> {
  const error = await action.then(
    () => assert.fail('it succeeded'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof CryfoldError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

async function failsAtOnce(action: Promise<unknown>, code: ErrorCode): Promise<CryfoldError> {
  const started = performance.now();
  const error = await fails(action, code);
  assert.ok(performance.now() - started < AT_ONCE_MS, 'at once');
  return error;
}

for (const tool of S3_TOOLS) {
  const program = await findTool(tool);
  if (!program) {
    test(`checks of ${tool}`, { skip: `${tool} is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache` }, () => {});
    continue;
  }
  const server = await S3Server.start({ tool, program });
  after(() => server.stop());
  const { region, accessKey, secretKey, endpoint } = server;
  const settings: S3Settings = { endpoint, region, accessKey, secretKey, addressing: 'path' };

  test(`${tool}: reports a missing bucket immediately, with the command that creates it`, async () => {
    const store = openStore('s3://no-such-bucket/p', settings);
    for (const action of [() => store.check(), () => store.get('a'), () => store.put('a', new Uint8Array(1))]) {
      const { hint } = await failsAtOnce(action(), 'STORE_BUCKET_MISSING');
      assert.equal(
        hint,
        `Create the bucket, for example with: aws s3 mb s3://no-such-bucket --endpoint-url ${endpoint}`,
      );
    }
    await store.close();
  });

  for (const [minutes, how] of [
    [60, 'is 60 min ahead of'],
    [-60, 'is 60 min behind'],
  ] as const) {
    test(`${tool}: immediately reports a clock that ${how} the server's`, async () => {
      const store = openStore(`s3://${server.bucket}/p`, settings);
      mock.timers.enable({ apis: ['Date'], now: Date.now() + minutes * 60_000 });
      try {
        // The last action sends a HEAD request, whose response has no body.
        for (const action of [() => store.check(), () => store.get('a'), () => store.has('a')]) {
          const { message } = await failsAtOnce(action(), 'STORE_CLOCK_WRONG');
          assert.match(message, new RegExp(`the clock of this machine ${how} the clock of the S3 server`));
        }
      } finally {
        mock.timers.reset();
        await store.close();
      }
    });
  }
}

test('rejects an endpoint with more than a host and a port, without showing its password', () => {
  const refused: [string, RegExp][] = [
    ['http://host:9000/path', /the path \/path/],
    ['https://host/s3/', /the path \/s3\//],
    ['https://host?x=hush', /a query/],
    ['https://user:hush@host', /a user/],
  ];
  for (const [endpoint, message] of refused) {
    const settings: S3Settings = { endpoint, region: 'r', accessKey: 'a', secretKey: 'b', addressing: 'path' };
    assert.throws(
      () => openStore('s3://bucket/p', settings),
      (error) => {
        assert.ok(error instanceof CryfoldError && error.code === 'STORE_URL_INVALID');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hush/);
        return true;
      },
    );
  }
});

const xml = (status: number, code: string) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
};
/** Responses of servers that do not support conditional puts; none of the tested servers can be made to send them. */
const REFUSALS = {
  '501 NotImplemented': xml(501, 'NotImplemented'),
  '400 InvalidArgument': xml(400, 'InvalidArgument'),
  '409 ConditionalRequestConflict': xml(409, 'ConditionalRequestConflict'),
  '501 with the page of a gateway': (response: ServerResponse) => {
    response.writeHead(501, { 'content-type': 'text/html' }).end('<html>Not Implemented</html>');
  },
};

for (const [name, refuse] of Object.entries(REFUSALS)) {
  test(`reports STORE_UNSAFE if a server responds to conditional puts with ${name}`, async () => {
    let takesPuts = true;
    const keys = new Set<string>();
    const server = createServer((request, response) => {
      request.resume().once('end', () => {
        const key = (request.url ?? '').split('?')[0];
        if (request.method === 'PUT' && (request.headers['if-none-match'] || !takesPuts)) return refuse(response);
        if (request.method === 'PUT') keys.add(key);
        if (request.method === 'DELETE') keys.delete(key);
        response.setHeader('etag', '"x"');
        return request.method === 'GET' ? xml(404, 'NoSuchKey')(response) : response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings: S3Settings = { endpoint, region: 'r', accessKey: 'a', secretKey: 'b', addressing: 'path' };
    const store = openStore('s3://bucket/p', settings, { patienceMs: 500 });
    // Servers that support conditional puts reply with 409 to some concurrent ones, so such puts are retried.
    const failsInTime = name.startsWith('409') ? fails : failsAtOnce;
    try {
      const { message, hint } = await failsInTime(store.check(), 'STORE_UNSAFE');
      assert.match(message, new RegExp(`accepts puts, but rejects conditional ones with ${name.split(' ')[0]}`));
      assert.match(hint ?? '', /If-None-Match/);
      await failsInTime(store.putIfAbsent('a', new Uint8Array(1)), 'STORE_UNSAFE');
      assert.deepEqual([...keys], [], 'nothing is left');
      takesPuts = false;
      await assert.rejects(store.check(), ({ code }: CryfoldError) => code === 'STORE_UNREACHABLE');
    } finally {
      await store.close();
      server.closeAllConnections();
      server.close();
    }
  });
}

/**
 * Starts a server that supports conditions but has no space for bodies above 1 KiB. MinIO's quotas can be set only with
 * MinIO's own client.
 */
function fullServer() {
  const keys = new Set<string>();
  return createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk) => {
      bytes += chunk.length;
    });
    request.once('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
      response.setHeader('etag', '"x"');
      if (searchParams.has('uploads')) {
        response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
        return;
      }
      if (request.method === 'DELETE' && !searchParams.has('uploadId')) keys.delete(pathname);
      if (request.method === 'PUT' && bytes > 1024) return xml(400, 'XMinioAdminBucketQuotaExceeded')(response);
      if (request.method === 'POST' || (request.method === 'PUT' && !searchParams.has('partNumber'))) {
        if (request.headers['if-none-match'] && keys.has(pathname)) return xml(412, 'PreconditionFailed')(response);
        keys.add(pathname);
      }
      response.end();
    });
  });
}

for (const bytes of [2000, 17 * 2 ** 20]) {
  test(`does not mistake a full quota, reported for a put of ${bytes} bytes, for an unsupported condition`, async () => {
    const server = fullServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings: S3Settings = { endpoint, region: 'r', accessKey: 'a', secretKey: 'b', addressing: 'path' };
    const store = openStore('s3://bucket/p', settings, { patienceMs: 300 });
    try {
      const { message } = await fails(store.putIfAbsent('large', new Uint8Array(bytes)), 'STORE_UNREACHABLE');
      assert.match(message, /QuotaExceeded/);
      assert.equal(await store.putIfAbsent('small', new Uint8Array(9)), true);
    } finally {
      await store.close();
      server.closeAllConnections();
      server.close();
    }
  });
}
