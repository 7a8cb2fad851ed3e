import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pythonProgram } from '../paths.js';
import type { NetworkRequest } from './nn-request.js';

export type Peer = 'Keras' | 'PyTorch';
type SideName = 'ours' | Peer;

export const INSTALL: Record<Peer, string> = {
  Keras: 'python3 -m pip install tensorflow-cpu==2.21.0 keras',
  PyTorch: 'python3 -m pip install torch',
};

export interface Side {
  /** Gives the same work to all processes at the same time. @returns the seconds that the slowest process took */
  seconds: (request: NetworkRequest) => Promise<number>;
  close: () => void;
}

function commandOf(side: SideName): [string, string] {
  if (side === 'ours') return [process.execPath, fileURLToPath(new URL('nn-ours.js', import.meta.url))];
  return ['python3', pythonProgram(side === 'Keras' ? 'nn-peers.py' : 'nn-torch.py')];
}

/** Starts the processes of one side. @throws Error that says how to install a peer that does not start */
export async function startSide(side: SideName, count: number, threads: number): Promise<Side> {
  const [command, program] = commandOf(side);
  const processes = Array.from({ length: count }, () => {
    const child = spawn(command, [program, String(threads)], { stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  });
  const answers = (what: string) =>
    Promise.all(
      processes.map(async ({ lines }) => {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${side} exited ${what}${side === 'ours' ? '' : `: ${INSTALL[side]}`}`);
        return Number(value);
      }),
    );
  await answers('before being ready');
  return {
    async seconds(request) {
      for (const { child } of processes) child.stdin.write(`${JSON.stringify(request)}\n`);
      return Math.max(...(await answers(`during ${request.what}`)));
    },
    close() {
      for (const { child } of processes) child.stdin.end();
    },
  };
}
