import type { Skipped } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { htmlReport, terminalReport } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import type { Surroundings } from './execute.js';
import { jsonText, say } from './terminal.js';
import { OutFolder } from './write-out.js';

/**
 * Prints the results, and puts copies of them where the user asked.
 * @param said what the command said before, for the JSON
 * @throws CryfoldError OUT_UNWRITABLE
 */
export async function present(
  results: RunResults,
  { store, out, server }: Pick<Surroundings, 'store' | 'out' | 'server'>,
  json: boolean,
  said: { skipped?: readonly Skipped[]; notes?: readonly string[]; leakWarnings?: readonly string[] } = {},
): Promise<void> {
  const folder = new OutFolder(out);
  const stored = await store.runs.resultFiles(results.run.id);
  const csv = await folder.write('out-of-fold.csv', stored.outOfFold);
  const file = await folder.write('results.json', stored.results);
  // The server has the folds at hand; from here, each would be a request.
  const page = server ? await server.report(results.run.id) : await htmlReport(await gatherReport(store, results));
  const report = await folder.write('report.html', page);
  if (json) {
    say(`${jsonText({ ...results, ...said, files: { results: file, outOfFold: csv, report } })}\n`);
    return;
  }
  say(`${terminalReport(results, { color: process.stdout.isTTY === true })}\n`);
  say(`\nresults: ${file}\nevery clip's probabilities: ${csv}\nreport: ${report}\n`);
}
