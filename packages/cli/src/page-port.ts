import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { CryfoldError } from '@cryfold/core';

/**
 * The port for the page of a local run: the requested port, or any free port if `true` is given.
 * @throws CryfoldError API_PORT_TAKEN
 */
export async function pagePort(asked: number | true): Promise<number> {
  const server = createServer();
  try {
    server.listen(asked === true ? 0 : asked, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    throw new CryfoldError('API_PORT_TAKEN', `--ui: ${(cause as Error).message}`, {
      cause,
      hint: 'Choose another port, or omit the port to use any free one.',
    });
  } finally {
    server.close();
  }
}
