import { type Command, start, until } from './command.js';

/** A service process with its HTTP endpoint on a free port. */
export interface RunningService extends Command {
  /** The endpoint's URL: http://127.0.0.1:PORT */
  url: string;
}

/** Starts `cryfold ARGS --metrics-port 0`, and waits until its port is known. The service may not be ready yet. */
export async function startService(args: string[], environment: Record<string, string>): Promise<RunningService> {
  const command = start([...args, '--metrics-port', '0'], environment);
  const port = await until(`cryfold ${args[0]} to serve metrics`, () => {
    if (command.process.exitCode !== null) throw new Error(`cryfold ${args[0]} exited: ${command.stderr()}`);
    return /"port":(\d+),"msg":"metrics served"/.exec(command.stdout())?.[1];
  });
  return { ...command, url: `http://127.0.0.1:${port}` };
}

export interface Readiness {
  status: number;
  ready: boolean;
  checks: Record<string, string>;
}

export async function readiness(url: string): Promise<Readiness> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, ...((await response.json()) as Omit<Readiness, 'status'>) };
}

export async function untilReady(...services: RunningService[]): Promise<void> {
  for (const { url } of services) await until(`${url} to be ready`, async () => (await readiness(url)).ready);
}

/**
 * Returns the value of a series in Prometheus's text format. The labels in `series` must be in the same order as in the
 * text.
 */
export function seriesValue(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
