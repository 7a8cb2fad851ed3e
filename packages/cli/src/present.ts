import type { RunResults } from '@cryfold/evaluation';
import { htmlReport, terminalReport } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { shortPath } from './command-text.js';
import type { Copies } from './copies.js';
import type { DataFindings, RunFiles } from './evaluated-run.js';
import type { Surroundings } from './execute.js';
import { resultHints } from './result-hints.js';
import { placeOfFile } from './run-folder.js';
import { colors, jsonText, say } from './terminal.js';

type Shown = Pick<Surroundings, 'store' | 'storeUrl' | 'server'> & {
  /** Copies that the user requested */
  copies: Copies | undefined;
};

/**
 * Prints the results, saves the report and the tables in the store, and writes the copies that the user asked for.
 * @param findings findings that were already printed; they are repeated in the JSON output
 * @throws CryfoldError OUT_UNWRITABLE, OUT_TAKEN
 */
export async function present(
  results: RunResults,
  shown: Shown,
  json: boolean,
  findings?: DataFindings,
): Promise<void> {
  const { store, server, copies } = shown;
  const { id } = results.run;
  // The server writes the report, because it has direct access to the folds, whereas this command would need a request
  // for each fold.
  const page = server ? await server.report(id) : await saveReport(results, store);
  let files = filesOf(id, shown);
  if (copies) {
    const stored = await store.runs.resultFiles(id);
    const [outOfFold, written, report] = await copies.write({ run: id }, [
      ['out-of-fold.csv', stored.outOfFold],
      ['results.json', stored.results],
      ['report.html', page],
    ]);
    files = { outOfFold, results: written, report };
  }
  if (json) {
    say(`${jsonText({ ...results, ...findings, files })}\n`);
    return;
  }
  say(`${terminalReport(results, { color: colors() })}\n`);
  const lines = [
    `results: ${shortPath(files.results)}`,
    `probabilities of each clip: ${shortPath(files.outOfFold)}`,
    `report: ${shortPath(files.report)}`,
    ...resultHints(results),
  ];
  say(`\n${lines.join('\n')}\n`);
}

/** Saves the report and the tables of a run in its store. @returns the report, an HTML page */
export async function saveReport(results: RunResults, store: RunStore): Promise<string> {
  const page = await htmlReport(await gatherReport(store, results));
  await store.runs.saveReport(results.run.id, page, `${terminalReport(results)}\n`);
  return page;
}

/** Returns the locations of a run's files if there are no copies. */
export function filesOf(run: string, { storeUrl, server }: Pick<Shown, 'storeUrl' | 'server'>): RunFiles {
  const api = `${storeUrl.replace(/\/$/, '')}/api/v1`;
  const place = (name: string) => {
    if (!server) return placeOfFile(storeUrl, run, name);
    return `${api}/${name === 'report.html' ? '' : 'artifacts/'}runs/${run}/${name}`;
  };
  return { results: place('results.json'), outOfFold: place('out-of-fold.csv'), report: place('report.html') };
}
