import { join } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { protocolTable } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { findRun } from './find-run.js';
import { PAPER_SPEC, readSpec } from './prepare.js';
import { evaluationsWith, TEST_ON } from './protocol-names.js';
import { reportCommand } from './report-command.js';
import { type RunOptions, runCommand } from './run-command.js';
import { requireStore, storeUrlOf, withStore } from './store-url.js';
import { say } from './terminal.js';

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
  const { protocol = [], testOn, ...rest } = options;
  const names = evaluationsWith(protocol, testOn);
  if (testOn !== undefined && (await readSpec(rest.spec ?? PAPER_SPEC)).search) {
    throw new CryfoldError('USAGE', '--test-on: a sweep would choose parameters by the corpus that it is tested on', {
      hint: 'Run the winner of the sweep with --test-on.',
    });
  }
  const one = (name: string | undefined, out: string, where: Config) => {
    const named = name === undefined ? {} : { protocol: name };
    // Groups are not split there, so there is nothing to join.
    const other = name === TEST_ON && testOn !== undefined ? { testOn, groupDuplicates: false } : {};
    return runCommand({ ...rest, out, ...named, ...other }, where, environment);
  };
  if (names.length < 2) return one(names[0], options.out, config);
  requireStore(config);
  const shared = withStore(config, storeUrlOf(options.out, config));
  const folders = names.map((name) => join(options.out, name ?? 'spec'));
  let worst: number = EXIT.done;
  // First, since a corpus that does not suit the data must not be found out after hours of training.
  const order = [...names.keys()].sort((a, b) => Number(names[b] === TEST_ON) - Number(names[a] === TEST_ON));
  for (const i of order) {
    const name = names[i];
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
  say(`\n${protocolTable(runs, { color: process.stdout.isTTY === true })}\n`);
  say(`\nreport of all: ${report}\n`);
  return worst;
}
