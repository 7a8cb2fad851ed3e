import { resolve } from 'node:path';
import { CryfoldError, encodeRecord, escapeControls } from '@cryfold/core';
import { decodingOnce } from '@cryfold/corpus';
import type { RunResults } from '@cryfold/evaluation';
import { csvReport, htmlReport, markdownReport, type ReportInput } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { EXIT } from './exit-codes.js';
import { type FoundRun, findRun } from './find-run.js';
import { openStoreOf } from './open-store.js';
import { REPORT_FORMATS } from './report-formats.js';
import { say } from './terminal.js';
import { checkOutFile, writeOutFile } from './write-out.js';

export interface ReportOptions {
  format: string;
  out?: string;
  beside?: readonly string[];
  audio?: string;
}

/** `cryfold report RUN`: writes a finished run's report to a file or to standard output. */
export async function reportCommand(run: string, options: ReportOptions, config: Config): Promise<number> {
  const { format, out } = options;
  if (out === undefined && format === 'html' && process.stdout.isTTY) {
    throw new CryfoldError('USAGE', 'the report is an HTML page, which a terminal cannot display', {
      hint: 'Write it to a file with --out report.html, or use --format md to print it as Markdown.',
    });
  }
  if (out !== undefined) await checkOutFile(out);
  const found = await findRun(run, config);
  const beside = await Promise.all((options.beside ?? []).map(async (other) => (await findRun(other, config)).results));
  const text = await write(options, found, beside, config);
  if (out === undefined) process.stdout.write(format === 'json' ? escapeControls(text) : text);
  else {
    await writeOutFile(out, text);
    say(`report: ${resolve(out)}\n`);
  }
  return EXIT.done;
}

async function write(
  { format, audio }: ReportOptions,
  { results, storeUrl }: FoundRun,
  beside: readonly RunResults[],
  config: Config,
): Promise<string> {
  switch (format) {
    case 'html': {
      // If the store is not available, the report contains figures, but no clips, curves or times.
      let input: ReportInput = { results };
      if (storeUrl !== undefined) {
        const store = openStoreOf(storeUrl, config);
        input = await decodingOnce(() => gatherReport(store, results, audio)).finally(() => store.close());
      }
      return htmlReport({ ...input, beside });
    }
    case 'md':
      return markdownReport(results);
    case 'csv':
      return csvReport(results);
    case 'json':
      return `${new TextDecoder().decode(encodeRecord(results))}\n`;
  }
  throw new CryfoldError('USAGE', `--format: ${JSON.stringify(format)} is not one of ${REPORT_FORMATS.join(', ')}`);
}
