import { CryfoldError } from '@cryfold/core';
import { htmlReport } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';
import type { ReportAnswer, ReportTask } from './report-writer.js';

/** Writes one report and exits. */
process.once('message', async ({ storeUrl, s3, run }: ReportTask) => {
  const store = new RunStore(openStore(storeUrl, s3));
  const answer = await write().catch((thrown): ReportAnswer => {
    const error = thrown instanceof CryfoldError ? thrown : new CryfoldError('API_DEFECT', String(thrown));
    return { error: error.toRecord() };
  });
  await store.close();
  process.send?.(answer, () => process.disconnect());

  async function write(): Promise<ReportAnswer> {
    const results = await store.runs.results(run);
    if (!results) throw new CryfoldError('RUN_NOT_FOUND', `run ${run} has no results`);
    return { page: await htmlReport(await gatherReport(store, results)) };
  }
});
