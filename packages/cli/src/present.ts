import type { Skipped } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { htmlReport, terminalReport } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import { shortPath } from './command-text.js';
import type { Copies } from './copies.js';
import type { Surroundings } from './execute.js';
import { resultHints } from './result-hints.js';
import { placeOfFile } from './run-folder.js';
import { colors, jsonText, say } from './terminal.js';

type Shown = Pick<Surroundings, 'store' | 'storeUrl' | 'server'> & {
  /** Copies that the user asked for */
  copies: Copies | undefined;
};

/** Messages that were already printed, repeated in the JSON. */
interface Said {
  skipped?: readonly Skipped[];
  warnings?: readonly string[];
  notes?: readonly string[];
  dataNotes?: readonly string[];
  leakWarnings?: readonly string[];
}

/**
 * Prints the results, saves the report and the tables in the store, and writes the copies that the user asked for.
 * @throws CryfoldError OUT_UNWRITABLE, OUT_TAKEN
 */
export async function present(results: RunResults, shown: Shown, json: boolean, said: Said = {}): Promise<void> {
  const { store, server, copies } = shown;
  const { id } = results.run;
  // The server has direct access to the folds; from here, each would take a request.
  const page = server ? await server.report(id) : await htmlReport(await gatherReport(store, results));
  // These files cannot be uploaded to a server, which writes the report itself on request.
  if (!server) await store.runs.saveReport(id, page, `${terminalReport(results)}\n`);
  let copied: string[] | undefined;
  if (copies) {
    const stored = await store.runs.resultFiles(id);
    copied = await copies.write({ run: id }, [
      ['out-of-fold.csv', stored.outOfFold],
      ['results.json', stored.results],
      ['report.html', page],
    ]);
  }
  const [csv, file, report] = copied ?? places(shown, id);
  if (json) {
    say(`${jsonText({ ...results, ...said, files: { results: file, outOfFold: csv, report } })}\n`);
    return;
  }
  say(`${terminalReport(results, { color: colors() })}\n`);
  const lines = [
    `results: ${shortPath(file)}`,
    `probabilities of each clip: ${shortPath(csv)}`,
    `report: ${shortPath(report)}`,
    ...resultHints(results),
  ];
  say(`\n${lines.join('\n')}\n`);
}

/** Locations of the CSV, the results and the report if there are no copies. */
function places({ storeUrl, server }: Shown, run: string): string[] {
  const names = ['out-of-fold.csv', 'results.json', 'report.html'];
  if (!server) return names.map((name) => placeOfFile(storeUrl, run, name));
  const api = `${storeUrl.replace(/\/$/, '')}/api/v1`;
  return names.map((name) => `${api}/${name === 'report.html' ? '' : 'artifacts/'}runs/${run}/${name}`);
}
