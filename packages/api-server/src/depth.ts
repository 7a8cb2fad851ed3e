import { Readable } from 'node:stream';
import { CryfoldError } from '@cryfold/core';

/** Maximum depth of a JSON body; specs have fewer than ten levels. */
const DEPTH = 64;

/**
 * Refuses a JSON body that is nested so deeply that recursive functions would overflow the stack.
 * @throws CryfoldError API_INVALID
 */
export function checkDepth(body: unknown): void {
  // Uploads are not JSON, and their stream objects are circular.
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
