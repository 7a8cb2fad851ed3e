import { h, s } from './dom.js';

export interface Tick {
  /** Position on the axis, as a value of the plotted quantity */
  at: number;
  text: string;
}

export interface Axis {
  title: string;
  low: number;
  high: number;
  ticks: readonly Tick[];
}

export interface Plot {
  /** Description for screen readers */
  label: string;
  caption: string;
  x: Axis;
  y: Axis;
}

/** Coordinates of a value in the drawing. */
export interface Scales {
  x: (value: number) => number;
  y: (value: number) => number;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [400, 200, 58, 10, 10, 40];

/** Creates a figure with two titled axes. @param marks draws the content of the plot area */
export function plot({ label, caption, x, y }: Plot, marks: (scales: Scales) => SVGElement[]): HTMLElement {
  const scale =
    ({ low, high }: Axis, from: number, to: number) =>
    (value: number) =>
      Number((from + (high > low ? (value - low) / (high - low) : 0.5) * (to - from)).toFixed(1));
  const scales = { x: scale(x, LEFT, WIDTH - RIGHT), y: scale(y, HEIGHT - BOTTOM, TOP) };
  const bottom = HEIGHT - BOTTOM;
  const middle = (TOP + bottom) / 2;
  return h(
    'figure',
    {},
    s(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
      ...y.ticks.flatMap(({ at, text }) => [
        s('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: scales.y(at), y2: scales.y(at) }),
        s('text', { x: LEFT - 5, y: scales.y(at), 'text-anchor': 'end', 'dominant-baseline': 'middle' }, text),
      ]),
      ...x.ticks.map(({ at, text }) => s('text', { x: scales.x(at), y: bottom + 14, 'text-anchor': 'middle' }, text)),
      s('line', { class: 'axis', x1: LEFT, x2: WIDTH - RIGHT, y1: bottom, y2: bottom }),
      s('line', { class: 'axis', x1: LEFT, x2: LEFT, y1: TOP, y2: bottom }),
      s('text', { class: 'title', x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, 'text-anchor': 'middle' }, x.title),
      s(
        'text',
        { class: 'title', x: 10, y: middle, 'text-anchor': 'middle', transform: `rotate(-90 10 ${middle})` },
        y.title,
      ),
      ...marks(scales),
    ),
    h('figcaption', { class: 'faint' }, caption),
  );
}

/** Draws a line through the points, or a dot if there is only one point. */
export function line(points: readonly (readonly [number, number])[], kind: string): SVGElement {
  const [first, ...rest] = points;
  if (rest.length === 0) return s('circle', { class: `line ${kind}`, cx: first[0], cy: first[1], r: 3 });
  return s('polyline', { class: `line ${kind}`, points: points.map((point) => point.join()).join(' ') });
}

/** An axis over these values, with ticks at round numbers. @param whole whether only whole numbers make sense */
export function axisOver(title: string, values: readonly number[], whole = false): Axis {
  const [lowest, most] = [Math.min(...values), Math.max(...values)];
  // Treat values that only differ by rounding as equal, because their difference would otherwise fill the whole axis.
  const least = most - lowest < 1e-9 * Math.max(Math.abs(most), 1) ? most : lowest;
  const size = Math.abs(most) > 1e-8 ? Math.abs(most) : 1;
  const step = whole ? Math.max(1, roundStep((most - least || 1) / 5)) : roundStep((most - least || size) / 5);
  let [low, high] = whole
    ? [least, Math.max(most, least + 1)]
    : [step * Math.floor(least / step), step * Math.ceil(most / step)];
  // If there is only one value and it is positive, the axis ends at it, because many metrics cannot exceed 100 %.
  if (low === high && low > 0) low -= step;
  else if (low === high) high += step;
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step - first + 1e-9) + 1;
  const ticks = Array.from({ length: count }, (_, i) => ({
    at: step * (first + i),
    text: (step * (first + i)).toFixed(decimals),
  }));
  // Always label the lower end of an axis of counts: it is usually 1, and the steps may skip it.
  if (whole && ticks[0]?.at !== low) ticks.unshift({ at: low, text: String(low) });
  return { title, low, high, ticks };
}

/** Rounds a step up to 1, 2 or 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}
