import { type Command, descendants, start, until } from './command.js';

export interface Served extends Command {
  url: string;
  port: number;
}

/** Starts `cryfold serve` on a free port, with a model given by name or folder. */
export async function serveModel(
  model: string,
  flags: string[] = [],
  environment: Record<string, string> = {},
): Promise<Served> {
  const command = start(['serve', '--model', model, '--port', '0', ...flags], environment);
  const port = await until('the service', () => {
    if (command.process.exitCode !== null) throw new Error(command.stderr());
    return /"port":(\d+),"address"/.exec(command.stdout())?.[1];
  });
  return { ...command, url: `http://127.0.0.1:${port}`, port: Number(port) };
}

/**
 * Kills a service and its children. The children must be killed explicitly, because one that a test has suspended does
 * not notice when its parent exits.
 */
export async function killServed({ process: service, ended }: Served): Promise<void> {
  const children = descendants(service.pid ?? 0);
  service.kill('SIGKILL');
  for (const { pid } of children) process.kill(pid, 'SIGKILL');
  await ended;
}
