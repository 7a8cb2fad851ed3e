import { readFile } from 'node:fs/promises';
import { decodeText } from '@cryfold/core';
import type { Access } from './access.js';
import { parseApiTokens } from './api-tokens.js';
import type { Connections } from './connections.js';
import type { Logger } from './logger.js';

/**
 * Milliseconds between checks of the file. File watchers miss mounted secrets, which are updated by replacing links.
 */
const EVERY_MS = 2000;

/**
 * Keeps a server's tokens in sync with a mounted file, and closes connections whose token was removed. While the file
 * is unreadable or invalid, the previous tokens stay valid.
 * @returns a function that stops the checks
 */
export function followTokens(
  file: string,
  { access, connections }: { access: Access; connections: Connections },
  log: Logger,
): () => void {
  let text: string | undefined;
  let problem: string | undefined;
  const look = async () => {
    try {
      const found = decodeText(await readFile(file));
      if (found !== text) {
        const tokens = parseApiTokens(found, file);
        const gone = access.replace(tokens);
        for (const name of gone) connections.closeOf(name);
        // The first check usually finds the tokens that the process has already read, which is not a change.
        if (text !== undefined || gone.length > 0)
          log.info({ tokens: tokens.length, removed: gone.length }, 'tokens changed');
        text = found;
      }
      problem = undefined;
    } catch (error) {
      const { name, code, message } = error as NodeJS.ErrnoException;
      // The message of an encoding error must not be logged, because it quotes the text of the file.
      const why =
        name === 'EncodingError' ? 'it is not UTF-8' : code === undefined || code === 'USAGE' ? message : code;
      if (why !== problem) log.error({ file, why }, 'tokens cannot be reloaded; the previous ones stay valid');
      problem = why;
    }
  };
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, EVERY_MS).unref();
  return () => clearInterval(timer);
}
