import type { Figure, GridSearch } from '@cryfold/run-control';
import { h, Keyed, s, say, valueText } from './dom.js';
import { axisOver, line, plot, type Tick } from './plot.js';
import { scroll } from './table.js';

type Picture = GridSearch['pictures'][number];

const axisTitle = ({ title, share }: Figure) => `${title}${share ? ', %' : ''}`;
const scaled = (value: number, { share }: Figure) => (share ? 100 * value : value);

const withoutText = (hidden: number) => (hidden > 0 ? `; without the ${hidden} worst trials` : '');

/**
 * History, importance and parallel coordinates of each searched estimator, as in the report. Updates preserve the focus
 * and the scroll position of charts.
 */
export class SweepCharts {
  readonly element: HTMLElement;
  readonly #note = h('p', { class: 'faint' }, 'Charts appear once two trials have a result.');
  readonly #sections: Keyed<Picture>;
  readonly #bases: readonly string[];
  readonly #pictures = new Map<string, Picture>();

  constructor({ bases, figure }: GridSearch) {
    this.#bases = bases;
    const list = h('div');
    this.#sections = new Keyed<Picture>(list, (picture) => section(picture, figure));
    this.element = h('div', {}, this.#note, list);
  }

  /** @param changed new chart data of some estimators; the charts of all others stay the same */
  update(changed: readonly Picture[]): void {
    for (const picture of changed) this.#pictures.set(picture.base, picture);
    const shown = this.#bases
      .flatMap((base) => this.#pictures.get(base) ?? [])
      .filter(({ trials }) => trials.length > 1);
    this.#sections.show(shown, ({ base }) => base);
    this.#note.hidden = shown.length > 0;
  }
}

/** Creates the charts of one estimator, which are redrawn only if their data has changed. */
function section({ base }: Picture, figure: Figure): { element: HTMLElement; update: (picture: Picture) => void } {
  const lines = new ParallelCoordinates(figure);
  let drawn = [h('figure'), h('figure')];
  const element = h(
    'section',
    { 'aria-label': `Charts of ${base}`, class: 'charts' },
    ...[h('h3', {}, base), drawn[0], lines.element, drawn[1]],
  );
  let text = '';
  const update = (picture: Picture) => {
    const now = JSON.stringify(picture);
    if (now === text) return;
    text = now;
    const figures = [history(picture, figure), importance(picture)];
    for (const [i, old] of drawn.entries()) old.replaceWith(figures[i]);
    drawn = figures;
    lines.show(picture);
  };
  return { element, update };
}

/** The score of each trial, and the best one so far. */
function history({ base, trials, hidden }: Picture, figure: Figure): HTMLElement {
  const last = trials[trials.length - 1];
  const best = last.best === null ? 'no complete trial yet' : `best ${valueText(last.best, figure.share)}`;
  return plot(
    {
      label: `${figure.title} of ${trials.length} trials of ${base}: ${best}`,
      caption: `${figure.title} of each trial in the order of start, hollow if it is not complete; line: best complete one so far${withoutText(hidden)}`,
      x: axisOver(
        'trial',
        trials.map(({ number }) => number),
        true,
      ),
      y: axisOver(
        axisTitle(figure),
        trials.map(({ score }) => scaled(score, figure)),
      ),
    },
    ({ x, y }) => {
      const steps: [number, number][] = [];
      for (const { number, best } of trials) {
        if (best === null) continue;
        const at = y(scaled(best, figure));
        const before = steps.at(-1);
        if (before) steps.push([x(number), before[1]]);
        steps.push([x(number), at]);
      }
      return [
        ...(steps.length > 0 ? [line(steps, 'b solid')] : []),
        ...trials.map(({ trial, number, complete, score }) =>
          s(
            'circle',
            { class: complete ? 'dot' : 'dot hollow', cx: x(number), cy: y(scaled(score, figure)), r: 3 },
            s('title', {}, `${trial}: ${valueText(score, figure.share)}`),
          ),
        ),
      ];
    },
  );
}

/** The importance of each parameter as a bar. */
function importance({ base, importance: all }: Picture): HTMLElement {
  const items = all.map(({ name, share, text }) =>
    h(
      'li',
      {},
      h('span', {}, name),
      share === null
        ? h('span')
        : h('meter', { min: 0, max: 1, value: share, 'aria-label': `importance of ${name} of ${base}` }),
      h('span', {}, text),
    ),
  );
  return h(
    'figure',
    {},
    h('ul', { class: 'bars' }, ...items),
    h(
      'figcaption',
      { class: 'faint' },
      'importance: share of the variance between complete trials that a parameter explains on its own; only a rough guide with few trials, tpe or asha',
    ),
  );
}

const [HEIGHT, TOP, BOTTOM, STEP, LEFT] = [220, 26, 12, 110, 14];

/** Draws each complete trial as a line through its parameters to its score; the best ones stand out. */
class ParallelCoordinates {
  readonly element: HTMLElement;
  readonly #figure: Figure;
  readonly #content = h('div');
  readonly #box = scroll('', this.#content);
  readonly #caption = h('figcaption', { class: 'faint' });

  constructor(figure: Figure) {
    this.#figure = figure;
    this.element = h('figure', { hidden: true }, this.#box, this.#caption);
  }

  show(picture: Picture): void {
    const { trials, hidden } = picture;
    const figure = this.#figure;
    const ranked = trials.filter(({ complete }) => complete).sort((a, b) => figure.sign * (b.score - a.score));
    this.element.hidden = ranked.length < 2;
    if (ranked.length < 2) return;
    const { svg, label } = lineDrawing(picture, ranked, figure);
    this.#content.replaceChildren(svg);
    this.#box.setAttribute('aria-label', label);
    say(
      this.#caption,
      `parameters and ${figure.title} of each complete trial; the best trial is bold, the best quarter coloured${withoutText(hidden)}`,
    );
  }
}

/** @param ranked complete trials of the estimator, best first */
function lineDrawing({ base, axes }: Picture, ranked: Picture['trials'], figure: Figure) {
  const score = axisOver(
    axisTitle(figure),
    ranked.map((one) => scaled(one.score, figure)),
  );
  const drawn = [
    ...axes.map(({ name, ticks }) => ({ title: name, low: Math.min(0, ...ticks.map(({ at }) => at)), high: 1, ticks })),
    score,
  ];
  const x = (axis: number) => LEFT + STEP * axis;
  const y = (axis: number, value: number) => {
    const { low, high } = drawn[axis];
    return Number((HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP)).toFixed(1));
  };
  const width = x(drawn.length - 1) + 80;
  const good = Math.round(ranked.length / 4);
  const lines = ranked.map(({ at, score: own }, r) =>
    line(
      [...at, scaled(own, figure)].map((value, axis) => [x(axis), y(axis, value)] as const),
      r === 0 ? 'b solid best' : r < good ? 'a' : 'other',
    ),
  );
  const tick =
    (axis: number) =>
    ({ at, text }: Tick) =>
      s('text', { x: x(axis) + 5, y: y(axis, at), 'dominant-baseline': 'middle' }, text);
  const label = `Parallel coordinates of ${ranked.length} complete trials of ${base} over ${drawn.map(({ title }) => title).join(', ')}`;
  const svg = s(
    'svg',
    { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'wide' },
    // The best line is drawn last, on top.
    ...lines.reverse(),
    ...drawn.flatMap(({ title, ticks }, axis) => [
      s('line', { class: 'axis', x1: x(axis), x2: x(axis), y1: TOP, y2: HEIGHT - BOTTOM }),
      s('text', { class: 'title', x: x(axis) - 8, y: 12 }, title),
      ...ticks.map(tick(axis)),
    ]),
  );
  svg.style.minWidth = `${width}px`;
  svg.style.maxWidth = `${1.6 * width}px`;
  return { svg, label };
}
