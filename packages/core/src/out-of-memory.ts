import { CryfoldError } from './errors.js';

/**
 * Messages with which libraries report a failed allocation: TensorFlow's allocators (`OOM when allocating tensor with
 * shape[...] by allocator mklcpu` or GPU_0_bfc), TensorFlow's status name, the CUDA libraries, oneDNN (status 1), V8
 * and the operating system.
 */
const SIGNS =
  /OOM when allocating|RESOURCE_?EXHAUSTED|Resource exhausted|[Ff]ailed to allocate memory|[Oo]ut of memory|OUT_OF_MEMORY|_ALLOC_FAILED|received an exception:Status: 1,|std::bad_alloc|[Aa]rray buffer allocation failed|[Cc](?:ould not|annot) allocate memory|\bENOMEM\b/;

/** Output on standard error of a process that aborts because an allocation failed. */
const LAST_WORDS = /(?:heap|process) out of memory|std::bad_alloc|pthread_create\(\) failed/;

/** Converts an error to OUT_OF_MEMORY. Returns undefined if its message does not report a failed allocation. */
export function asOutOfMemory(error: unknown): CryfoldError | undefined {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split('\n').find((text) => SIGNS.test(text));
  if (line === undefined) return undefined;
  return new CryfoldError('OUT_OF_MEMORY', line.replace('Session fail to run with error: ', ''), {
    hint: 'Lower batchSize, use precision: bfloat16, or run fewer training processes at once.',
    cause: error,
  });
}

/**
 * True if a process aborted because an allocation failed.
 * @param output the end of the process's standard error
 */
export function abortedForMemory(output: string): boolean {
  return LAST_WORDS.test(output);
}
