import { type Command, start, until } from './command.js';

/** A service process with its HTTP endpoint on a free port. */
export interface RunningService extends Command {
  /** http://127.0.0.1:PORT */
  url: string;
}

/** Starts `cryfold ARGS --metrics-port 0` and answers once its port is known; it need not be ready. */
export async function startService(args: string[], environment: Record<string, string>): Promise<RunningService> {
  const command = start([...args, '--metrics-port', '0'], environment);
  const port = await until(`cryfold ${args[0]} to serve metrics`, () => {
    if (command.process.exitCode !== null) throw new Error(`cryfold ${args[0]} ended: ${command.stderr()}`);
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

/** The value of one series in Prometheus's text format; its labels in the order in which it prints them. */
export function seriesValue(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
