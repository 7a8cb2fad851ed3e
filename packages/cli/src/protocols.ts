import { join } from 'node:path';
import { readRegularFile } from '@cryfold/core';
import { decodeResults } from '@cryfold/evaluation';
import { protocolTable } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { LARGEST_RESULTS } from './find-run.js';
import { evaluationsOf } from './protocol-names.js';
import { reportCommand } from './report-command.js';
import { type RunOptions, runCommand } from './run-command.js';
import { storeUrlOf } from './store-url.js';
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
  const { protocol = [], ...rest } = options;
  const names = evaluationsOf(protocol);
  const one = (name: string | undefined, out: string, storeUrl: string | undefined) =>
    runCommand(
      { ...rest, out, ...(name === undefined ? {} : { protocol: name }) },
      { ...config, storeUrl },
      environment,
    );
  if (names.length < 2) return one(names[0], options.out, config.storeUrl);
  const storeUrl = storeUrlOf(options.out, config);
  const folders = names.map((name) => join(options.out, name));
  let worst: number = EXIT.done;
  for (const [i, name] of names.entries()) {
    const code = await one(name, folders[i], storeUrl);
    if (code !== EXIT.done && code !== EXIT.incomplete) return code;
    worst = Math.max(worst, code);
  }
  const report = join(options.out, 'report.html');
  const [first, ...beside] = folders;
  await reportCommand(first, { format: 'html', out: report, beside }, { ...config, storeUrl });
  if (options.json) return worst;
  const runs = await Promise.all(
    folders.map(async (folder) =>
      decodeResults(await readRegularFile(join(folder, 'results.json'), LARGEST_RESULTS), join(folder, 'results.json')),
    ),
  );
  say(`\n${protocolTable(runs, { color: process.stdout.isTTY === true })}\n`);
  say(`\nreport of all: ${report}\n`);
  return worst;
}
