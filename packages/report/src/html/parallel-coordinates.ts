import { counted } from '@cryfold/core';
import { METRICS, type MetricName } from '@cryfold/evaluation';
import type { SweepPicture } from '@cryfold/hyperparameter-search';
import { capitalTitle } from '../metric-text.js';
import { chart, color, FAINT, INK } from './chart.js';
import type { Markup } from './markup.js';

/** Line styles by rank: one for the best trial, one for the rest of the best quarter, and one for all others. */
const STYLES = {
  best: { color: color(1), width: 3, opacity: 1 },
  good: { color: color(0), width: 1.5, opacity: 0.8 },
  other: { color: FAINT, width: 1, opacity: 0.35 },
};
const AXIS = {
  type: 'value',
  nameTextStyle: { color: INK },
  axisLine: { lineStyle: { color: FAINT } },
  axisTick: { lineStyle: { color: FAINT } },
};

/** Draws each complete trial as a line through its parameters to its score; the best trials stand out. */
export function parallelCoordinates(picture: SweepPicture, metric: MetricName, index: number): Markup | undefined {
  const { base, axes, hidden } = picture;
  const { title, sign, share } = METRICS[metric];
  const ranked = picture.trials.filter(({ complete }) => complete).sort((a, b) => sign * (b.score - a.score));
  if (ranked.length < 2) return undefined;
  const good = Math.round(ranked.length / 4);
  const styleOf = (rank: number) => STYLES[rank === 0 ? 'best' : rank < good ? 'good' : 'other'];
  const scores = ranked.map(({ score }) => (share ? 100 : 1) * score);
  const lines = ranked.map(({ at }, rank) => ({
    ...{ type: 'parallel', silent: true, lineStyle: styleOf(rank) },
    data: [[...at, scores[rank]]],
  }));
  const names = axes.map(({ name }) => name).join(', ');
  return chart(
    {
      id: `parallel-${index}`,
      caption: `${base}: parameters and ${title} of each complete trial; the best trial is bold, the best quarter coloured${hidden > 0 ? `; without the ${hidden} worst trials` : ''}`,
      description: `Parallel coordinates of ${counted(ranked.length, 'complete trial')} over ${names} and ${title}.`,
    },
    { width: 760, height: 300 },
    {
      parallel: { left: 60, right: 70, top: 40, bottom: 20 },
      parallelAxis: [
        ...axes.map(parameterAxis),
        scoreAxis(`${capitalTitle(metric)}${share ? ', %' : ''}`, scores, axes.length),
      ],
      // The best line is drawn last, on top.
      series: lines.reverse(),
    },
  );
}

function parameterAxis({ name, ticks }: SweepPicture['axes'][number], dim: number) {
  const customValues = ticks.map(({ at }) => at);
  const formatter = (value: number) => ticks.find(({ at }) => Math.abs(at - value) < 1e-6)?.text ?? '';
  return {
    ...{ ...AXIS, dim, name, min: Math.min(0, ...customValues), max: 1 },
    axisTick: { ...AXIS.axisTick, customValues },
    axisLabel: { color: INK, customValues, formatter },
  };
}

function scoreAxis(name: string, scores: readonly number[], dim: number) {
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const formatter = (value: number) => String(Number(value.toPrecision(3)));
  return { ...AXIS, dim, name, min: low, max: high > low ? high : low + 1, axisLabel: { color: INK, formatter } };
}
