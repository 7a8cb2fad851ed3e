import { type Audit, isTelling } from '@cryfold/evaluation';
import { auditTables } from '../audit-table.js';
import { html, type Markup } from './markup.js';
import { textTable } from './tables.js';

/** Properties of the recordings by class, and whether these alone predict the class. */
export function auditSection({ audit }: { audit?: Audit | undefined }): Markup | undefined {
  if (!audit) return undefined;
  const { findings, predictability } = audit;
  const alone =
    typeof predictability === 'object' && predictability.sets.some((set) => isTelling(set, predictability.classes))
      ? 'The class can be predicted from properties of the recordings alone.'
      : 'There is no evidence that properties of the recordings alone predict the class.';
  return html`<p>${typeof predictability === 'string' ? 'It was not tested whether properties of the recordings alone predict the class.' : alone}</p>
${findings.length > 0 && html`<ul>${findings.map(({ severity, text }) => html`<li>${severity === 'warning' ? html`<strong>${text}</strong>` : text}</li>\n`)}</ul>`}
${auditTables(audit).map(({ title, rows }) => html`${textTable(title, rows)}\n`)}`;
}
