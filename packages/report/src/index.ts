export { comparisonTable, pooledTable } from './comparison-table.js';
export { confusionTable } from './confusion-table.js';
export { notBeatingMajority } from './paper.js';
export { protocolTable } from './protocol-table.js';
export { tableTwo } from './table-two.js';
export { terminalReport } from './terminal-report.js';
export type { TextOptions } from './text.js';
