import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeNpy } from '@cryfold/core';
import { uploadOf } from '../src/uploads.js';

test('buffers a manifest that arrives byte by byte without much overhead', async () => {
  const count = 300_000;
  const byte = () => Buffer.from('x');
  const body = Object.assign(
    Readable.from(
      (async function* () {
        for (let i = 0; i < count; i++) {
          if (i % 1000 === 0) await setImmediate();
          yield byte();
        }
      })(),
    ),
    { headers: {} },
  );
  const { content } = uploadOf(
    `datasets/${'a'.repeat(64)}/manifest.json`,
    body as unknown as IncomingMessage,
    undefined,
  );
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  let most = 0;
  let received = 0;
  const read = async () => {
    for await (const piece of content) {
      received += piece.length;
      if (received % 100_000 === 0) most = Math.max(most, used() - before);
    }
  };
  await assert.rejects(read, /not JSON/);
  assert.equal(received, count);
  assert.ok(most < 20 * 2 ** 20, `${Math.round(most / 2 ** 20)} MiB`);
});

test('accepts only valid shared sounds', async () => {
  const upload = async (text: string) => {
    const body = Object.assign(Readable.from([Buffer.from(text)]), { headers: {} }) as unknown as IncomingMessage;
    for await (const _ of uploadOf(`datasets/${'a'.repeat(64)}/sounds.json`, body, undefined).content);
  };
  await upload('{"format":1,"sounds":[[0,3],[1,2,5]]}');
  await assert.rejects(upload('{"format":1,"sounds":[[0]]}'), /sounds.json: sounds.0/);
  await assert.rejects(upload('{"format":1,"sounds":[[0,-1]]}'), /sounds.json: sounds.0.1/);
  await assert.rejects(upload('{"format":1}'), /sounds.json: sounds/);
});

test('accepts only valid audits', async () => {
  const upload = async (text: string) => {
    const body = Object.assign(Readable.from([Buffer.from(text)]), { headers: {} }) as unknown as IncomingMessage;
    for await (const _ of uploadOf(`datasets/${'a'.repeat(64)}/audit.json`, body, undefined).content);
  };
  const sounds = { shared: 0, clips: 0, inSeveralClasses: 0, inSeveralGroups: 0 };
  const audit = { recordings: 1, clips: 1, groups: 1, groupsKnown: false, perClass: [], sounds };
  const whole = { ...audit, predictability: 'too few recordings', findings: [] };
  await upload(JSON.stringify({ format: 1, audit: whole }));
  await assert.rejects(upload(JSON.stringify({ format: 1, audit })), /audit.json: audit.predictability/);
  await assert.rejects(upload(JSON.stringify({ format: 1, audit: { ...whole, more: 1 } })), /audit.json: audit/);
  await assert.rejects(upload(JSON.stringify({ format: 2, audit: whole })), /format 2/);
});

test('accepts only feature arrays that match their key', async () => {
  const vectors = encodeNpy(new Float32Array(6), [2, 3]);
  const images = encodeNpy(new Uint8Array(24), [2, 2, 2, 3]);
  const upload = async (file: string, bytes: Uint8Array) => {
    const body = Object.assign(Readable.from([Buffer.from(bytes)]), { headers: {} }) as unknown as IncomingMessage;
    let length = 0;
    for await (const piece of uploadOf(`features/${'a'.repeat(64)}/${file}`, body, undefined).content) {
      length += piece.length;
    }
    return length;
  };
  assert.equal(await upload('vectors.npy', vectors), vectors.length);
  assert.equal(await upload('images.npy', images), images.length);
  await assert.rejects(upload('vectors.npy', images), /elements are/);
  await assert.rejects(upload('images.npy', vectors), /elements are/);
  await assert.rejects(upload('vectors.npy', encodeNpy(new Float32Array(0), [2, 0])), /shape \(2, 0\)/);
  await assert.rejects(upload('vectors.npy', vectors.subarray(0, -1)), /its header states/);
});
