import { CryfoldError } from '@cryfold/core';

/**
 * How TensorFlow says that memory ran out: its allocators (`OOM when allocating tensor with shape[...] by allocator
 * mklcpu`, or GPU_0_bfc), the status's name, and the CUDA libraries, which allocate by themselves.
 */
const SIGNS =
  /OOM when allocating|RESOURCE_?EXHAUSTED|Resource exhausted|[Ff]ailed to allocate memory|[Oo]ut of memory|OUT_OF_MEMORY|_ALLOC_FAILED/;

/** The error as OUT_OF_MEMORY, if that is what it says. */
export function asOutOfMemory(error: unknown): CryfoldError | undefined {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split('\n').find((text) => SIGNS.test(text));
  if (line === undefined) return undefined;
  return new CryfoldError('OUT_OF_MEMORY', line.replace('Session fail to run with error: ', ''), {
    hint: 'Lower batchSize, use precision: bfloat16, or run fewer training processes at once.',
    cause: error,
  });
}
