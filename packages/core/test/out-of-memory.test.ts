import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortedForMemory, asOutOfMemory } from '../src/index.js';

test('recognises how libraries report a failed allocation', () => {
  for (const text of [
    'OOM when allocating tensor with shape[64,1000] and type float on CPU:0 by allocator mklcpu',
    'RESOURCE_EXHAUSTED: too much',
    'RESOURCEEXHAUSTED',
    'Resource exhausted: too much',
    'Failed to allocate memory for the batch',
    'failed to allocate memory',
    'CUDA error: out of memory',
    'Out of memory',
    'CUDA_ERROR_OUT_OF_MEMORY',
    'CUBLAS_STATUS_ALLOC_FAILED',
    'op received an exception:Status: 1, message: could not create a memory object',
    "what():  std::bad_alloc'",
    'RangeError: Array buffer allocation failed',
    'array buffer allocation failed',
    'could not allocate memory',
    'Cannot allocate memory',
    'spawn ENOMEM',
  ]) {
    const error = asOutOfMemory(new Error(text));
    assert.deepEqual([error?.code, error?.message], ['OUT_OF_MEMORY', text]);
    assert.match(error?.hint ?? '', /batchSize/);
  }
  for (const text of ['a shape is wrong', 'ENOMEMORY', 'Status: 2', 'ALLOCATED'])
    assert.equal(asOutOfMemory(new Error(text)), undefined, text);
});

test('uses the line about the failed allocation as the message, and keeps the cause', () => {
  const cause = new Error('first\nSession fail to run with error: OOM when allocating tensor\nlast');
  const error = asOutOfMemory(cause);
  assert.equal(error?.message, 'OOM when allocating tensor');
  assert.equal(error?.cause, cause);
  assert.equal(asOutOfMemory('out of memory')?.message, 'out of memory');
});

test('recognises what a process writes before it aborts', () => {
  for (const text of [
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'Fatal process out of memory: Zone',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'pthread_create() failed',
  ])
    assert.ok(abortedForMemory(`before\n${text}\nafter`), text);
  assert.ok(!abortedForMemory('TypeError: x is not a function; pthread_create() worked'));
});
