import { join } from 'node:path';
import { protocolTable } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findRun } from './find-run.js';
import { evaluationsOf } from './protocol-names.js';
import { reportCommand } from './report-command.js';
import { type RunOptions, runCommand } from './run-command.js';
import { requireStore, storeUrlOf, withStore } from './store-url.js';
import { colors, say } from './terminal.js';

/**
 * `cryfold run --protocol paper,grouped`: one run after the other, each with a folder of its name under `--out` and one
 * store for all, so that folds they share are trained once; then all side by side in one table, and a report of all.
 * With `--json`, a line per protocol. Answers the worst exit code.
 */
export async function runProtocols(
  options: Omit<RunOptions, 'protocol'> & { protocol?: string[] },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { protocol = [], ...rest } = options;
  const names = evaluationsOf(protocol);
  const one = (name: string | undefined, out: string, where: Config) =>
    runCommand({ ...rest, out, ...(name === undefined ? {} : { protocol: name }) }, where, environment);
  if (names.length < 2) return one(names[0], options.out, config);
  requireStore(config);
  const shared = withStore(config, storeUrlOf(options.out, config));
  const folders = names.map((name) => join(options.out, name));
  let worst: number = EXIT.done;
  for (const [i, name] of names.entries()) {
    const code = await one(name, folders[i], shared);
    if (code !== EXIT.done && code !== EXIT.incomplete) return code;
    worst = Math.max(worst, code);
  }
  const report = join(options.out, 'report.html');
  const [first, ...beside] = folders;
  await reportCommand(first, { format: 'html', out: report, beside }, shared);
  if (options.json) return worst;
  const found = await Promise.all(folders.map((folder) => findRun(folder, shared)));
  const runs = found.map(({ results }) => results);
  say(`\n${protocolTable(runs, { color: colors() })}\n`);
  say(`\nreport of all: ${report}\n`);
  return worst;
}
