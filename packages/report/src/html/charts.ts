import type { EpochPoint } from '@cryfold/core';
import { counted } from '@cryfold/core';
import { METRICS, type MetricName, type ModelResults, metricOf, type RunResults } from '@cryfold/evaluation';
import { baselineRow } from '../baseline.js';
import { capitalTitle, metricText } from '../metric-text.js';
import { paperFigures } from '../paper.js';
import { axis, chart, color, FAINT, INK, LEGEND } from './chart.js';
import type { Markup } from './markup.js';

const WIDTH = 760;

/**
 * Vertical offset of a fold's point from the line of its model. Offsets are evenly spread, and all models use the same
 * offsets.
 */
function jitter(fold: number): number {
  return 0.6 * (((fold * 0.618034) % 1) - 0.5);
}

/** The run's metric for each fold as a point, by model. Shares are in percent. */
export function stripPlot(results: RunResults): Markup | undefined {
  const models = results.models.filter(({ folds }) => folds.length > 0);
  if (models.length === 0) return undefined;
  const figures = paperFigures(results).filter((_, m) => results.models[m].folds.length > 0);
  const names = models.map(({ name }) => name);
  const metric = metricOf(results);
  const { title, share } = METRICS[metric];
  const scale = share ? 100 : 1;
  const low = Math.min(...models.flatMap(({ folds }) => folds.map((fold) => scale * fold[metric])));
  const papers = figures.map((figure) => figure?.percent);
  const diamonds = papers.some((figure) => figure !== undefined) ? ", the paper's figures (diamonds)" : '';
  const baseline = results.baselines.majority[metric]?.mean;
  const majority = baseline === undefined ? [] : [scale * baseline];
  const lowest = Math.min(low, ...majority, ...papers.flatMap((figure) => figure ?? []));
  const unit = share ? ' percent' : '';
  const description = models
    .map(
      ({ name, [metric]: own }) =>
        `${name}: ${metricText(metric, own!.minimum)} to ${metricText(metric, own!.maximum)}${unit}`,
    )
    .join('; ');
  const dashed = majority.length > 0 ? ` and the baseline ${baselineRow(metric)} (dashed line)` : '';
  return chart(
    {
      id: 'strip',
      caption: `${capitalTitle(metric)} of each test fold (points), means of the models (bars)${diamonds}${dashed}`,
      description: `${capitalTitle(metric)} of each fold. ${description}.`,
    },
    { width: WIDTH, height: 80 + 52 * models.length },
    {
      grid: { left: 130, right: 20, top: 10, bottom: 45 },
      xAxis: {
        type: 'value',
        ...(share ? { min: Math.max(0, Math.floor((lowest - 1) / 20) * 20), max: 100 } : { min: 0 }),
        ...axis(share ? `${title}, %` : title, false),
      },
      yAxis: {
        ...{ type: 'value', min: -0.5, max: models.length - 0.5, interval: 0.5, inverse: true, ...axis('') },
        splitLine: { show: false },
        axisTick: { show: false },
        axisLabel: { color: INK, formatter: (value: number) => names[value]?.replace(' ', '\n') ?? '' },
      },
      series: [
        ...models.map(({ folds }, m) => ({
          type: 'scatter',
          symbolSize: 6,
          itemStyle: { color: color(m), opacity: 0.55 },
          data: folds.map((fold, f) => [scale * fold[metric], m + jitter(f)]),
        })),
        {
          type: 'scatter',
          symbol: 'rect',
          symbolSize: [3, 36],
          itemStyle: { color: INK },
          data: models.map(({ [metric]: own }, m) => [scale * own!.mean, m]),
        },
        {
          type: 'scatter',
          symbol: 'diamond',
          symbolSize: 13,
          itemStyle: { color: 'none', borderColor: INK, borderWidth: 1.5 },
          data: papers.flatMap((figure, m) => (figure === undefined ? [] : [[figure, m]])),
        },
        {
          ...{ type: 'line', showSymbol: false, lineStyle: { color: FAINT, type: 'dashed', width: 1.5 } },
          data: majority.flatMap((x) => [-0.5, models.length - 0.5].map((y) => [x, y])),
        },
      ],
    },
  );
}

/**
 * The metric of learning curves. Epochs record only accuracy and log-loss, so runs with another metric show the
 * accuracy.
 */
const CURVES = {
  accuracy: { train: 'accuracy', test: 'testAccuracy', title: 'accuracy', unit: ', %', scale: 100, words: ' percent' },
  logLoss: { train: 'loss', test: 'testLoss', title: 'log-loss', unit: '', scale: 1, words: '' },
} as const;

export interface Curve {
  name: string;
  /** Position of the curve among the curves on the page */
  index: number;
  folds: readonly (readonly EpochPoint[])[];
  metric: MetricName;
}

/**
 * Draws the training and test metric over epochs, averaged over folds, with a thin line for each test fold. If epochs
 * do not record the metric of the run, draws the accuracy.
 */
export function learningCurve({ name, index, folds, metric }: Curve): Markup {
  const shown = CURVES[metric === 'logLoss' ? 'logLoss' : 'accuracy'];
  const { title, scale } = shown;
  const epochs = Array.from({ length: Math.max(...folds.map((fold) => fold.length)) }, (_, e) => e);
  const mean = (key: (typeof shown)['train' | 'test']) =>
    epochs.map((e) => {
      const own = folds.flatMap((fold) => (fold[e] ? [fold[e]] : []));
      return [e + 1, (scale * own.reduce((sum, point) => sum + (point[key] ?? Number.NaN), 0)) / own.length];
    });
  const line = { type: 'line', showSymbol: epochs.length === 1, symbolSize: 6 };
  const [train, test] = [mean(shown.train), mean(shown.test).filter(([, value]) => !Number.isNaN(value))];
  const last = (points: number[][]) => `${points.at(-1)![1].toFixed(scale === 1 ? 4 : 1)}${shown.words}`;
  const tested = test.length > 0 ? `, test ${last(test)}` : '';
  const description = `Mean ${title} after the last of ${counted(epochs.length, 'epoch')}: training ${last(train)}${tested}.`;
  return chart(
    {
      id: `curve-${index}`,
      caption: `${name}: ${title} after each epoch, mean over ${counted(folds.length, 'fold')}; thin lines show single test folds`,
      description,
    },
    { width: WIDTH, height: 260 },
    {
      grid: { left: 60, right: 20, top: 30, bottom: 45 },
      legend: { ...LEGEND, data: ['training', 'test'] },
      xAxis: { type: 'value', min: 1, max: Math.max(2, epochs.length), minInterval: 1, ...axis('epoch') },
      yAxis: { type: 'value', ...(scale === 1 ? {} : { max: 100 }), ...axis(`${title}${shown.unit}`), nameGap: 38 },
      series: [
        ...folds.map((fold) => ({
          ...{ type: 'line', showSymbol: false, lineStyle: { color: color(1), width: 1, opacity: 0.25 } },
          data: fold.flatMap((point, e) => {
            const value = point[shown.test];
            return value === undefined ? [] : [[e + 1, scale * value]];
          }),
        })),
        { ...line, name: 'training', color: color(0), lineStyle: { color: color(0) }, data: train },
        { ...line, name: 'test', color: color(1), lineStyle: { color: color(1) }, data: test },
      ],
    },
  );
}

/** Bins with fewer predictions are not drawn. */
const BIN = 10;

/** Reliability curves: accuracy as a function of the predicted probability. */
export function calibrationChart(models: readonly ModelResults[]): Markup | undefined {
  const pooled = models.flatMap(({ name, pooled }) => (pooled ? [{ name, pooled }] : []));
  if (pooled.length === 0) return undefined;
  return chart(
    {
      id: 'calibration',
      caption: `Calibration: pooled accuracy by predicted probability, for bins with at least ${BIN} predictions; a calibrated model is on the dashed line`,
      description: `Expected calibration error: ${pooled.map(({ name, pooled: { ece } }) => `${name} ${ece.toFixed(3)}`).join(', ')}.`,
    },
    { width: WIDTH, height: 400 },
    {
      grid: { left: 60, right: 20, top: 30, bottom: 45 },
      legend: { ...LEGEND, data: pooled.map(({ name }) => name) },
      xAxis: { type: 'value', min: 0, max: 1, ...axis('largest probability') },
      yAxis: { type: 'value', min: 0, max: 1, ...axis('accuracy'), nameGap: 38 },
      series: [
        {
          ...{ type: 'line', showSymbol: false, lineStyle: { color: FAINT, type: 'dashed', width: 1.5 } },
          data: [
            [0, 0],
            [1, 1],
          ],
        },
        ...pooled.map(({ name, pooled: { reliability } }, m) => ({
          ...{ name, type: 'line', color: color(m), lineStyle: { color: color(m) }, symbolSize: 6 },
          data: reliability.flatMap(({ confidence, accuracy, count }) =>
            count >= BIN ? [[confidence, accuracy]] : [],
          ),
        })),
      ],
    },
  );
}

/** When a fold was trained, and on which machine. */
export interface FoldTime {
  trial: string;
  repeat: number;
  fold: number;
  host: string;
  /** Milliseconds since the Unix epoch */
  started: number;
  seconds: number;
}

/** Timeline of the training on each machine. Folds that were trained at the same time are in separate rows. */
export function timeline(folds: readonly FoldTime[]): Markup | undefined {
  if (folds.length === 0) return undefined;
  const ordered = [...folds].sort((a, b) => a.host.localeCompare(b.host) || a.started - b.started);
  const lanes: { host: string; until: number }[] = [];
  const placed = ordered.map((fold) => {
    let lane = lanes.findIndex(({ host, until }) => host === fold.host && until <= fold.started);
    if (lane < 0) lane = lanes.push({ host: fold.host, until: 0 }) - 1;
    lanes[lane].until = fold.started + 1000 * fold.seconds;
    return { fold, lane };
  });
  const start = Math.min(...folds.map(({ started }) => started));
  const length = Math.max(...folds.map(({ started, seconds }) => (started - start) / 1000 + seconds));
  const [scale, unit] = length > 7200 ? [3600, 'h'] : length > 120 ? [60, 'min'] : [1, 's'];
  const trials = [...new Set(folds.map(({ trial }) => trial))];
  const hosts = new Set(folds.map(({ host }) => host)).size;
  const total = folds.reduce((sum, { seconds }) => sum + seconds, 0);
  return chart(
    {
      id: 'timeline',
      caption: `Training time of each fold on ${hosts} ${hosts === 1 ? 'machine' : 'machines'}, with concurrent folds in separate rows`,
      description: `${counted(folds.length, 'fold')} took ${(total / scale).toFixed(1)} ${unit} of training within ${(length / scale).toFixed(1)} ${unit}.`,
    },
    { width: WIDTH, height: 90 + 22 * lanes.length },
    {
      grid: { left: 30, right: 20, top: 30, bottom: 45 },
      legend: { ...LEGEND, data: trials },
      xAxis: { type: 'value', min: 0, max: 'dataMax', ...axis(`${unit} since the first fold started`) },
      yAxis: { type: 'value', min: 0, max: lanes.length, show: false },
      series: trials.map((trial, t) => ({
        ...{ name: trial, type: 'custom', color: color(t) },
        renderItem: (_: unknown, api: { value: (i: number) => number; coord: (point: number[]) => number[] }) => {
          const [left, top] = api.coord([api.value(0), api.value(2) + 0.9]);
          const [right, bottom] = api.coord([api.value(1), api.value(2) + 0.1]);
          const shape = { x: left, y: top, width: Math.max(1, right - left), height: bottom - top };
          return { type: 'rect', shape, style: { fill: color(t), stroke: 'var(--paper)', lineWidth: 0.5 } };
        },
        encode: { x: [0, 1], y: 2 },
        data: placed
          .filter(({ fold }) => fold.trial === trial)
          .map(({ fold, lane }) => {
            const begin = (fold.started - start) / 1000;
            return [begin / scale, (begin + fold.seconds) / scale, lane];
          }),
      })),
    },
  );
}
