export { confusionTable } from './confusion-table.js';
export { notBeatingMajority } from './paper.js';
export { tableTwo } from './table-two.js';
export { terminalReport } from './terminal-report.js';
export type { TextOptions } from './text.js';
