import type { Cell, Grid } from '@cryfold/run-control';
import { h, percent, seconds, valueText } from './dom.js';

type Place = Grid['places'][number];

const PHASES = ['waiting', 'training', 'done', 'failed'];
/** Trials with more cells than this get smaller cells. */
const MANY = 300;

/**
 * Shows each fold as a button. Each repeat is a strip of folds, and the repeats of a trial form a row. Trials outside
 * the viewport are not laid out. Only one button per trial is in the tab order; arrow keys move the focus to the
 * others.
 */
export class GridView {
  readonly #grid: Grid;
  readonly #buttons: HTMLButtonElement[] = [];
  /** Error codes of failed cells, by index of the cell */
  #codes: Map<number, string>;

  constructor(root: HTMLElement, grid: Grid, open: (place: Place) => void) {
    this.#grid = grid;
    this.#codes = codesOf(grid);
    const groups = new Map<string, number[]>();
    for (const [i, [trial, , , shuffle]] of grid.places.entries()) {
      const name = grid.trials[trial].title + (shuffle === null ? '' : `, shuffled labels ${shuffle}`);
      const group = groups.get(name) ?? [];
      group.push(i);
      groups.set(name, group);
    }
    root.replaceChildren(...[...groups].map(([name, indices]) => this.#group(name, indices)));
    root.onclick = ({ target }) => {
      const index = target instanceof HTMLElement ? target.dataset.index : undefined;
      if (index !== undefined) open(grid.places[Number(index)]);
    };
    root.onkeydown = (event) => this.#move(event);
  }

  update(indices: readonly number[]): void {
    for (const i of indices) this.#show(i);
  }

  /** Updates the error codes after the failures in the grid have changed. */
  explain(): void {
    const before = this.#codes;
    this.#codes = codesOf(this.#grid);
    for (const i of new Set([...before.keys(), ...this.#codes.keys()])) if (i in this.#buttons) this.#show(i);
  }

  #group(name: string, indices: readonly number[]): HTMLElement {
    const strips = new Map<number, HTMLElement>();
    const cells = h('div', {
      class: indices.length > MANY ? 'cells many' : 'cells',
      role: 'group',
      'aria-label': `folds of ${name}`,
    });
    for (const [n, i] of indices.entries()) {
      const [, repeat] = this.#grid.places[i];
      let strip = strips.get(repeat);
      if (!strip) {
        strip = h('span', { class: 'repeat' });
        strips.set(repeat, strip);
        cells.append(strip);
      }
      const button = h('button', { type: 'button', class: 'cell', tabindex: n === 0 ? 0 : -1, 'data-index': i });
      this.#buttons[i] = button;
      strip.append(button);
      this.#show(i);
    }
    return h('section', { class: 'trial' }, h('h3', {}, name), cells);
  }

  #show(i: number): void {
    const cell = this.#grid.cells[i];
    const button = this.#buttons[i];
    button.dataset.state = String(cell[0]);
    if (cell[0] === 1) button.style.setProperty('--share', String(cell[1]));
    const { title, share } = this.#grid.figure;
    const value = cell[2] === null ? undefined : `${title} ${valueText(cell[2], share)}`;
    const label = describe(this.#grid.places[i], cell, value, this.#codes.get(i));
    button.title = label;
    button.setAttribute('aria-label', label);
  }

  #move(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!(target instanceof HTMLButtonElement) || target.dataset.index === undefined) return;
    const all = [...(target.closest('.cells')?.querySelectorAll<HTMLButtonElement>('.cell') ?? [])];
    const at = all.indexOf(target);
    const folds = this.#grid.protocol.folds;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: folds, ArrowUp: -folds };
    const to = key === 'Home' ? 0 : key === 'End' ? all.length - 1 : key in steps ? at + steps[key] : undefined;
    const next = to === undefined ? undefined : all[to];
    if (!next) return;
    event.preventDefault();
    target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

function codesOf({ failures }: Grid): Map<number, string> {
  return new Map(failures.flatMap(({ code, cells }) => cells.map((i) => [i, code] as const)));
}

function describe([, repeat, fold]: Place, [phase, fraction, , took]: Cell, value?: string, code?: string): string {
  const parts = [`repeat ${repeat} fold ${fold}: ${PHASES[phase]}`];
  if (phase === 3 && code !== undefined) parts.push(code);
  if (phase === 1) parts.push(percent(fraction));
  if (value !== undefined) parts.push(value);
  if (took !== null) parts.push(seconds(took));
  return parts.join(', ');
}
