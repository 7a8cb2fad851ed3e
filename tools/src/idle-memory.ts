// Starts an idle coordinator and an idle worker of a checkout, with their own Redis and store, and prints the memory of
// each after they have settled. Prints medians over several starts, since garbage collection affects each measurement.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from './bench/no-op.js';
import { measureIdle, ROLES, sumMemory } from './idle-cluster.js';
import { ROOT } from './paths.js';
import type { Memory } from './processes.js';
import { median } from './statistics.js';

const HELP = `Usage: tools/idle-memory [--root DIR] [--seconds N] [--times N] [--json]

Prints the memory of an idle coordinator, of an idle worker and of both together, in MiB: the resident memory (RSS), and
the memory with shared pages divided among the processes that map them (PSS). Other Node processes on this machine lower
the PSS, but not the RSS.

  --root     the checkout to measure, which must be built; default: this checkout
  --seconds  how long both settle after they are ready, before they are measured; default: 20
  --times    the number of starts; medians are printed; default: 1
  --json     print {root, seconds, times, coordinator, worker, together}; the last three are {rss, pss}
`;

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: ROOT },
    seconds: { type: 'string', default: '20' },
    times: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

type Figures = Record<(typeof ROLES)[number] | 'together', Memory>;

async function once(root: string, seconds: number): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-idle-'));
  const redis = await startRedis(folder);
  try {
    const own = await measureIdle({ root, url: `redis://127.0.0.1:${redis.redisPort}`, folder, seconds });
    return { ...own, together: sumMemory(ROLES.map((role) => own[role])) };
  } finally {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const root = resolve(values.root);
  const [seconds, times] = [Number(values.seconds), Number(values.times)];
  if (!(seconds > 0) || !Number.isInteger(times) || times < 1) {
    throw new Error('--seconds must be above 0, and --times must be a whole number above 0');
  }
  const measured: Figures[] = [];
  for (let time = 0; time < times; time++) measured.push(await once(root, seconds));
  const rows = [...ROLES, 'together' as const].map((name) => {
    const of = (kind: keyof Memory) => median(measured.map((figures) => figures[name][kind]));
    return [name, { rss: of('rss'), pss: of('pss') }] as const;
  });
  if (values.json) {
    console.log(JSON.stringify({ root, seconds, times, ...Object.fromEntries(rows) }, null, 2));
    return;
  }
  for (const [name, { rss, pss }] of rows) {
    console.log(`${name.padEnd(12)} ${rss.toFixed(1).padStart(6)} MiB resident, ${pss.toFixed(1).padStart(6)} MiB PSS`);
  }
}

if (values.help) process.stdout.write(HELP);
else {
  try {
    await main();
  } catch (error) {
    console.error(`idle-memory: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
