import { connect } from 'node:net';

/** Milliseconds within which a Redis server on this machine must respond. */
const ANSWER_MS = 2000;

/**
 * Sends one command to a Redis server on this machine.
 * @param words the command and its arguments
 * @returns the beginning of the raw response, such as `+OK` or `-ERR …`
 */
export function askRedisAt(port: number, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
    const socket = connect(port, '127.0.0.1', () => socket.write(`*${words.length}\r\n${text}`));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer to ${words[0]}`)));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().trimEnd());
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`no answer to ${words[0]}`)));
  });
}
