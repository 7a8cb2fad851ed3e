import type { EpochPoint } from '@cryfold/core';
import { type ClipOutcome, groupOutcomes, labelOf, metricOf, type RunResults, unitWord } from '@cryfold/evaluation';
import { comparisonRows, comparisonTitle, pooledRows, pooledTitle } from '../comparison-table.js';
import { capitalTitle, foldsTitle } from '../metric-text.js';
import { displayName, named } from '../names.js';
import { paperFigures } from '../paper.js';
import { protocolLegend, protocolNotes, protocolRows, protocolTitle } from '../protocol-table.js';
import { searchRows } from '../search-table.js';
import { headlines, subject, tableTwoRows } from '../table-two.js';
import { verdict } from '../verdict.js';
import { auditSection } from './audit.js';
import { calibrationChart, type FoldTime, learningCurve, stripPlot, timeline } from './charts.js';
import { groupTable, type HardClip, hardestClips } from './clips.js';
import { html, type Markup } from './markup.js';
import { confusionMatrices, recallTable, significanceMatrix } from './matrices.js';
import { dataCard, provenance } from './provenance.js';
import { STYLE } from './style.js';
import { sweepCharts } from './sweep-charts.js';
import { textTable } from './tables.js';

export interface ReportInput {
  results: RunResults;
  /** Runs of the same data under other protocols, for the combined table */
  beside?: readonly RunResults[];
  /** Outcome of each clip, for the errors by group */
  outcomes?: readonly ClipOutcome[];
  /** Clips to show, the most difficult first */
  hardest?: readonly HardClip[];
  /** Learning curve of each fold, by estimator */
  curves?: Readonly<Record<string, readonly (readonly EpochPoint[])[]>>;
  foldTimes?: readonly FoldTime[];
  /** Content keys by name */
  hashes?: Readonly<Record<string, string>>;
}

/**
 * The report of a run, as one HTML file without scripts or external resources. All text from the data is escaped. Equal
 * input produces equal bytes.
 */
export function htmlReport(input: ReportInput): string {
  const results = named(input.results);
  const beside = input.beside?.map(named);
  const figures = capitalTitle(metricOf(results));
  const title = paperFigures(results).some((figure) => figure) ? `${figures} compared with the paper` : figures;
  const foldTimes = (input.foldTimes ?? []).map((one) => ({ ...one, trial: displayName(results, one.trial) }));
  const sections = [
    section('table-two', title, tableTwoSection(results, beside)),
    section('search', 'Search', searchSection(results)),
    section('confusion', 'Confusion matrices', confusionMatrices(results)),
    section('recall', 'Recall by class', recallTable(results)),
    section('pooled', 'Pooled figures', table(pooledTitle(results), pooledRows(results))),
    section('significance', 'Differences between models', significance(results)),
    section('calibration', 'Calibration', calibrationChart(results.models)),
    section('curves', 'Learning curves', curves(results, input.curves ?? {})),
    section('groups', groupHeading(results), input.outcomes && groupTable(groupOutcomes(input.outcomes), results)),
    section('hardest', 'Hardest clips', input.hardest && hardestClips(input.hardest)),
    section('data', 'Data', dataCard(results)),
    section('audit', 'Data audit', auditSection(results)),
    section('timeline', 'Timeline', timeline(foldTimes)),
    section('provenance', 'Environment and spec', provenance(results, input.hashes ?? {})),
  ].flatMap((one) => one ?? []);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:">
<link rel="icon" href="data:,">
<title>${results.run.id} – cryfold</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${results.run.name}: ${subject(results)}</h1>
${verdictSection(results)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(({ id, title, content }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${content}</section>\n`)}</main>
<footer><p class="small">Run ${results.run.id}, written by cryfold. Cryfold is a research tool, not a medical device.</p></footer>
</body>
</html>
`;
  return page.text;
}

/** `Groups`, or `Recordings` if groups are unknown. */
function groupHeading({ dataset }: RunResults): string {
  const word = unitWord(dataset);
  return `${word[0].toUpperCase()}${word.slice(1)}s`;
}

function section(id: string, title: string, content: Markup | undefined) {
  return content && { id, title, content };
}

/** The facts that readers want to know first: which model is best, how certain this is, and which limitations apply. */
function verdictSection(results: RunResults): Markup {
  const [first, ...rest] = verdict(results);
  return html`<section class="verdict" aria-label="Verdict">
<p class="lead">${first}</p>
${rest.length > 0 && html`<p>${rest.join(' ')}</p>\n`}${warnings(results)}</section>`;
}

/**
 * The text before all tables: warnings about models that do not beat the majority class and about missing folds, and
 * the protocol.
 */
function warnings(results: RunResults): Markup {
  const { warnings, missing } = headlines(results);
  const label = labelOf(results);
  return html`${
    warnings.length > 0 &&
    html`<div class="bad">${warnings.map((line) => html`<p><strong>${line}</strong></p>`)}${
      missing.length > 0 && html`<ul>${missing.map((line) => html`<li>${line}</li>`)}</ul>`
    }</div>\n`
  }<div class="note"><p><strong>${label[0].toUpperCase() + label.slice(1)}.</strong></p></div>`;
}

function notes(lines: readonly string[]): Markup {
  return html`${lines.map((line) => html`<p class="small">${line}</p>\n`)}`;
}

function table(caption: string, { rows, notes: lines }: { rows: string[][]; notes: string[] }): Markup | undefined {
  return rows.length > 1 ? html`${textTable(caption, rows)}${notes(lines)}` : undefined;
}

/** The strip plot, Table II and, if there are any, other protocols. */
function tableTwoSection(results: RunResults, beside: readonly RunResults[] = []): Markup {
  const { rows, notes: lines } = tableTwoRows(results);
  const cells = rows.map((row) => row.map((cell) => cell.trim()));
  return html`${stripPlot(results)}
${textTable(foldsTitle(metricOf(results)), cells)}
${notes(lines)}
${
  beside.length > 0 &&
  html`<h3>Protocols side by side</h3>
${protocolLegend([results, ...beside]).map((line) => html`<p>${line}.</p>\n`)}
${textTable(protocolTitle([results, ...beside]), protocolRows([results, ...beside]))}
${notes(protocolNotes([results, ...beside]))}`
}`;
}

/** Charts and trials of a sweep; undefined for other runs. */
function searchSection(results: RunResults): Markup | undefined {
  const trials = table('Trials, sorted by folds and epochs, then by score', searchRows(results));
  return trials && html`${sweepCharts(results)}\n<h3>Trials</h3>\n${trials}`;
}

function significance(results: RunResults): Markup | undefined {
  const { rows, notes: lines } = comparisonRows(results);
  if (rows.length === 1) return undefined;
  return html`${significanceMatrix(results)}
${lines.map((line) => html`<p>${line}</p>\n`)}
<details><summary>All pairs with intervals</summary>${textTable(comparisonTitle(results), rows)}</details>`;
}

function curves(results: RunResults, all: NonNullable<ReportInput['curves']>): Markup | undefined {
  const trained = Object.entries(all).filter(([, folds]) => folds.some((fold) => fold.length > 0));
  if (trained.length === 0) return undefined;
  return html`${trained.map(([name, folds], i) =>
    learningCurve({
      name: displayName(results, name),
      index: i,
      folds: folds.filter((fold) => fold.length > 0),
      metric: metricOf(results),
    }),
  )}`;
}
