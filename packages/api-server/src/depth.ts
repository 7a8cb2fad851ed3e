import { Readable } from 'node:stream';
import { CryfoldError } from '@cryfold/core';

/** Levels of a JSON body: specs have fewer than ten. */
const DEPTH = 64;

/**
 * Refuses a JSON body that is nested so deeply that functions which call themselves would run out of stack.
 * @throws CryfoldError API_INVALID
 */
export function checkDepth(body: unknown): void {
  // An upload, whose objects refer to each other in circles
  if (ArrayBuffer.isView(body) || body instanceof Readable) return;
  let level = [body].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === DEPTH) throw new CryfoldError('API_INVALID', `body: nested deeper than ${DEPTH} levels`);
    level = level.flatMap((one) => Object.values(one).filter(isNested));
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
