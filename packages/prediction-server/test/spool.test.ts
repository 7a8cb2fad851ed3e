import assert from 'node:assert/strict';
import { fstatSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { Spool } from '../src/spool.js';

test('a spool limits, separates and reuses places, and frees disk space when all places are free', async () => {
  const spool = await Spool.open(2, 8);
  try {
    const [a, b] = [spool.take(), spool.take()];
    assert.ok(a && b);
    assert.deepEqual([a.offset, b.offset, spool.take()], [0, 8, undefined]);
    await spool.write(Buffer.from('aaaaaaaa'), a.offset);
    await spool.write(Buffer.from('bbbb'), b.offset);
    const read = Buffer.alloc(12);
    readSync(spool.descriptor, read, 0, 12, 0);
    assert.equal(read.toString(), 'aaaaaaaabbbb');
    const { nlink, mode } = fstatSync(spool.descriptor);
    assert.deepEqual([nlink, mode & 0o777], [0, 0o600]);
    a.release();
    assert.equal(fstatSync(spool.descriptor).size, 12);
    assert.equal(spool.take()?.offset, 0);
    b.release();
    assert.equal(spool.taken, 1);
  } finally {
    await spool.close();
  }
});

test('a place can be released after the spool is closed', async () => {
  const spool = await Spool.open(1, 8);
  const place = spool.take();
  await spool.close();
  place?.release();
});

test('a spool uses no disk space after all its places have been released', async () => {
  const spool = await Spool.open(1, 8);
  try {
    const place = spool.take();
    await spool.write(Buffer.from('aaaa'), 0);
    place?.release();
    assert.equal(fstatSync(spool.descriptor).size, 0);
  } finally {
    await spool.close();
  }
});
