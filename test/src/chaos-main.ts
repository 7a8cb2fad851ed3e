import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaos } from './chaos.js';

const HELP = `usage: scripts/chaos [--seed N] [--minutes M | --kills N] [--keep]

Breaks a real cluster of processes on this machine at random instants (see docs/reliability.md) and checks that every
fold is committed once, that the bytes are those of an undisturbed run, and that no process is left.

  --seed N     of the faults (0)
  --minutes M  begin no further round after M minutes (2, or without end where --kills is given)
  --kills N    continue until N processes were killed
  --keep       keep the folder with logs and results

Exit status: 0 clean, 1 a violation, 2 could not run.
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    minutes: { type: 'string' },
    kills: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-chaos-'));
  const kills = values.kills === undefined ? Number.POSITIVE_INFINITY : Number(values.kills);
  const minutes = values.minutes === undefined ? (Number.isFinite(kills) ? 1440 : 2) : Number(values.minutes);
  const started = Date.now();
  const say = (text: string) =>
    process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)}  ${text}\n`);
  const report = await chaos({ seed: Number(values.seed), minutes, kills, folder, say });
  if (!report) {
    process.stderr.write(
      'chaos: neither redis-server nor valkey-server is on PATH or in the cache: run scripts/setup\n',
    );
    process.exitCode = 2;
  } else {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    process.exitCode = report.violations.length === 0 ? 0 : 1;
  }
  if (values.keep || process.exitCode === 1) process.stdout.write(`kept: ${folder}\n`);
  else await rm(folder, { recursive: true, force: true });
}
