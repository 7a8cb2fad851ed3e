import { counted } from '@cryfold/core';
import { METRICS, type MetricName, type RunResults } from '@cryfold/evaluation';
import { type SweepPicture, sweepPictures } from '@cryfold/hyperparameter-search';
import { IMPORTANCE_NOTE } from '../importance-table.js';
import { valueText } from '../metric-text.js';
import { axis, chart, color, FAINT, INK, LEGEND } from './chart.js';
import { html, type Markup } from './markup.js';
import { parallelCoordinates } from './parallel-coordinates.js';

const WIDTH = 760;
/** Minimum number of trials for charts. Charts of fewer trials would not show anything useful. */
const LEAST_TRIALS = 2;

/** History, importance and parallel coordinates of each searched estimator; undefined for other runs. */
export function sweepCharts({ search, spec }: RunResults): Markup | undefined {
  if (!search) return undefined;
  const pictures = sweepPictures(spec, search).filter(({ trials }) => trials.length >= LEAST_TRIALS);
  if (pictures.length === 0) return undefined;
  const { metric } = search;
  return html`${pictures.map(
    (picture, i) => html`<h3>${picture.base}</h3>
${history(picture, metric, i)}
${importance(picture, i)}
${parallelCoordinates(picture, metric, i)}
`,
  )}<p class="small">${IMPORTANCE_NOTE}</p>`;
}

const scaleOf = (metric: MetricName) => (METRICS[metric].share ? 100 : 1);
const axisTitle = (metric: MetricName) => `${METRICS[metric].title}${METRICS[metric].share ? ', %' : ''}`;

/** The score of each trial, and the best one so far. */
function history(picture: SweepPicture, metric: MetricName, index: number): Markup {
  const { base, trials } = picture;
  const scale = scaleOf(metric);
  const points = (complete: boolean) =>
    trials.filter((one) => one.complete === complete).map(({ number, score }) => [number, scale * score]);
  const best = trials.at(-1)?.best ?? null;
  const stopped = points(false).length > 0;
  return chart(
    {
      id: `history-${index}`,
      caption: `${base}: ${METRICS[metric].title} of each trial in the order of start, and the best complete one so far (line)${picture.hidden > 0 ? `; without the ${picture.hidden} worst trials` : ''}`,
      description: `Best ${METRICS[metric].title} of ${counted(trials.length, 'trial')} of ${base}: ${valueText(metric, best)}.`,
    },
    { width: WIDTH, height: 260 },
    {
      grid: { left: 60, right: 20, top: 30, bottom: 45 },
      legend: { ...LEGEND, data: ['best so far', 'complete', ...(stopped ? ['stopped early'] : [])] },
      xAxis: {
        type: 'value',
        min: 1,
        max: Math.max(2, trials.at(-1)?.number ?? 2),
        minInterval: 1,
        ...axis('trial', false),
      },
      yAxis: { type: 'value', scale: true, ...axis(axisTitle(metric)), nameGap: 44 },
      series: [
        {
          ...{ name: 'best so far', type: 'line', step: 'end', showSymbol: false, color: color(1) },
          lineStyle: { color: color(1), width: 2 },
          data: trials.flatMap(({ number, best }) => (best === null ? [] : [[number, scale * best]])),
        },
        { name: 'complete', type: 'scatter', symbolSize: 7, color: color(0), data: points(true) },
        {
          ...{ name: 'stopped early', type: 'scatter', symbolSize: 7, color: 'none' },
          itemStyle: { color: 'none', borderColor: FAINT, borderWidth: 1.5 },
          data: points(false),
        },
      ],
    },
  );
}

/** The importance of each parameter as a bar. */
function importance({ base, importance: all }: SweepPicture, index: number): Markup | undefined {
  const known = all.filter(({ share }) => share !== null);
  if (known.length === 0) {
    return html`<p class="small">The importance of the parameters of ${base} cannot be estimated: ${all[0]?.text ?? 'nothing was searched'}.</p>`;
  }
  const names = known.map(({ name }) => name);
  const text = all.map(({ name, text }) => `${name} ${text}`).join(', ');
  return chart(
    {
      id: `importance-${index}`,
      caption: `${base}: importance of each parameter, as the share of the variance between trials that it explains alone`,
      description: `Importance of the parameters of ${base}: ${text}.`,
    },
    { width: WIDTH, height: 70 + 32 * known.length },
    {
      grid: { left: 130, right: 60, top: 10, bottom: 45 },
      xAxis: { type: 'value', min: 0, max: 100, ...axis('share of the variance, %', false) },
      yAxis: { type: 'category', inverse: true, data: names, ...axis(''), splitLine: { show: false } },
      series: [
        {
          ...{ type: 'bar', barMaxWidth: 18, itemStyle: { color: color(0) } },
          label: {
            show: true,
            position: 'right',
            color: INK,
            formatter: ({ value }: { value: number }) => `${Math.round(value)} %`,
          },
          data: known.map(({ share }) => 100 * (share ?? 0)),
        },
      ],
    },
  );
}
