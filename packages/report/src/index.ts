export { auditText } from './audit-table.js';
export { notBeatingMajority } from './baseline.js';
export { comparisonTable, pooledTable } from './comparison-table.js';
export { confusionTable } from './confusion-table.js';
export { csvReport, markdownReport } from './documents.js';
export type { FoldTime } from './html/charts.js';
export type { HardClip } from './html/clips.js';
export type { ReportInput } from './html/html-report.js';
export { importanceTable } from './importance-table.js';
export { displayName, namedTrials } from './names.js';
export { protocolTable } from './protocol-table.js';
export { tableTwo, warningsOf } from './table-two.js';
export { terminalReport } from './terminal-report.js';
export { alignColumns, type TextOptions } from './text.js';
export { verdictOf } from './verdict.js';

/** Loads the chart library lazily, because loading it takes 0.3 s. */
export async function htmlReport(input: import('./html/html-report.js').ReportInput): Promise<string> {
  return (await import('./html/html-report.js')).htmlReport(input);
}
export { metricText, valueText } from './metric-text.js';
export { searchTable, trialTable, winnerNotes } from './search-table.js';
