import { BarChart, CustomChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, ParallelComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { html, Markup } from './markup.js';
import { scrolling } from './tables.js';

use([BarChart, CustomChart, LineChart, ParallelChart, ScatterChart]);
use([GridComponent, LegendComponent, ParallelComponent, SVGRenderer]);

/** CSS variables of style.ts, so that the colours of a chart follow those of the page. */
export const INK = 'var(--ink)';
export const FAINT = 'var(--faint)';
const RULE = 'var(--rule)';
export const color = (index: number) => `var(--c${index % 6})`;

export const LEGEND = { top: 0, itemGap: 28, textStyle: { color: INK } };

/** Axis options that all charts share. Colours must be strings that are valid in SVG attributes. */
export const axis = (name: string, onZero = true) => ({
  name,
  nameLocation: 'middle',
  nameGap: 28,
  nameTextStyle: { color: INK },
  axisLabel: { color: INK },
  axisLine: { onZero, lineStyle: { color: FAINT } },
  axisTick: { lineStyle: { color: FAINT } },
  splitLine: { lineStyle: { color: RULE } },
});

/** Texts of a chart. */
export interface ChartText {
  /** Unique within the page */
  id: string;
  caption: string;
  /** Description for screen readers */
  description: string;
}

/**
 * Renders a chart as an SVG figure, without a browser.
 * @param size in CSS pixels
 */
export function chart(
  { id, caption, description }: ChartText,
  size: { width: number; height: number },
  option: EChartsCoreOption,
): Markup {
  const drawing = init(null, null, { renderer: 'svg', ssr: true, ...size });
  drawing.setOption({ animation: false, textStyle: { color: INK, fontFamily: 'system-ui, sans-serif' }, ...option });
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  return html`<figure>${scrolling(caption, clean(svg, id, description))}<figcaption>${caption}</figcaption></figure>`;
}

/**
 * Removes attributes that only scripts and pointer events need, shortens coordinates, and replaces generated ids, so
 * that equal reports have equal bytes.
 */
function clean(svg: string, id: string, description: string): Markup {
  const text = svg
    .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:ecmeta_\w+|class|pointer-events)="[^"]*"/g, '')
    .replace(/zr\d+-/g, `${id}-`)
    .replace(/<[^>]*>/g, (tag) => tag.replace(/(\d+\.\d{2})\d+/g, '$1'))
    .replace(/^<svg width="\d+" height="\d+"/, '');
  return new Markup(`${html`<svg role="img" aria-label="${description}"`.text}${text}`);
}
