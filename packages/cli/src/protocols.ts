import { join, resolve } from 'node:path';
import { CryfoldError } from '@cryfold/core';
import { refuseGivenFeatures } from '@cryfold/local-run';
import { evaluationsWith, TEST_ON } from '@cryfold/plan';
import { htmlReport, protocolTable } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { shortPath } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { PAPER_SPEC, readSpec } from './prepare.js';
import { type RunOptions, runCommand } from './run-command.js';
import { placeOfFile } from './run-folder.js';
import { storeUrlOf } from './store-url.js';
import { colors, say } from './terminal.js';
import { OutFolder } from './write-out.js';

/**
 * `cryfold run --protocol paper,grouped`: plans all protocols before starting the first, then runs them one after the
 * other in the same store, so that shared folds are trained only once. Finally prints one table and writes one report
 * that cover all protocols. `--out` puts copies into a subfolder per protocol, and `--json` prints a line per protocol.
 * Returns the worst exit code.
 */
export async function runProtocols(
  options: Omit<RunOptions, 'protocol'> & { protocol?: string[] },
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { protocol = [], testOn, out, ...rest } = options;
  const names = evaluationsWith(protocol, testOn);
  if (testOn !== undefined) {
    const spec = await readSpec(rest.spec ?? PAPER_SPEC);
    refuseGivenFeatures(spec);
    if (spec.search) {
      throw new CryfoldError(
        'USAGE',
        '--test-on: a sweep would choose its parameters based on the corpus that it is tested on',
        {
          hint: 'Run the winner of the sweep with --test-on.',
        },
      );
    }
  }
  const several = names.length > 1;
  const runs = names.map((name) => ({
    ...rest,
    ...(name === undefined ? {} : { protocol: name }),
    // This protocol does not split by group, so merging groups would have no effect.
    ...(name === TEST_ON && testOn !== undefined ? { testOn, groupDuplicates: false } : {}),
    ...(out === undefined ? {} : { out: several ? join(out, name ?? 'spec') : out }),
  }));
  const ends = await runCommand(runs, config, environment);
  // The user declined to start.
  if (ends.length === 0) return EXIT.cancelled;
  const worst = Math.max(...ends.map(({ code }) => code));
  const ids = ends.map(({ run }) => run);
  if (several && worst <= EXIT.incomplete) await showTogether(ids, { out, json: options.json }, config);
  return worst;
}

/** Shows the protocols side by side: as a page that is saved with the first run, and as a table. */
async function showTogether(
  runs: readonly string[],
  { out, json }: { out: string | undefined; json: boolean },
  config: Config,
): Promise<void> {
  const storeUrl = storeUrlOf(config);
  const store = openStoreOf(storeUrl, config);
  try {
    const results = (await Promise.all(runs.map((run) => store.runs.results(run)))).flatMap((one) => one ?? []);
    const [first, ...beside] = results;
    const page = await htmlReport({ ...(await gatherReport(store, first)), beside });
    const ours = config.target.kind !== 'server';
    if (ours) await store.runs.saveProtocols(first.run.id, page);
    const kept = ours ? placeOfFile(storeUrl, first.run.id, 'protocols.html') : undefined;
    const copy = out === undefined ? undefined : await new OutFolder(resolve(out)).write('protocols.html', page);
    if (json) return;
    say(`\n${protocolTable(results, { color: colors() })}\n`);
    const place = copy ?? kept;
    if (place !== undefined) say(`\ncombined report: ${shortPath(place)}\n`);
  } finally {
    await store.close();
  }
}
