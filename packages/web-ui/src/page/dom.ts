type Child = Node | string | number | undefined | false;

/**
 * Attributes of an element. `on…` adds a listener; any other name sets an attribute, unless its value is false or
 * undefined.
 */
type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** Creates an element. Text is never parsed as markup, so that names of specs or hosts cannot inject any. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.filter((child) => child !== undefined && child !== false).map(toNode));
  return element;
}

/** Like `h`, for SVG. */
export function s(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(element, attributes);
  element.append(...children.filter((child) => child !== undefined && child !== false).map(toNode));
  return element;
}

function toNode(child: Child): Node | string {
  return typeof child === 'object' ? child : String(child);
}

function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
}

/** Sets an element's text, but only if it differs from the current text, to avoid unnecessary rendering. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows an error, with the hint on a separate line. */
export function showError(element: HTMLElement, error: { message: string; hint?: string }): HTMLElement {
  element.hidden = false;
  element.replaceChildren(error.message, ...(error.hint ? [h('span', { class: 'hint' }, error.hint)] : []));
  return element;
}

/** A list of elements with keys. Elements with the same key are reused, which preserves focus and selection. */
export class Keyed<T> {
  readonly #parent: Element;
  readonly #make: (item: T) => { element: Element; update: (item: T) => void };
  readonly #made = new Map<string, { element: Element; update: (item: T) => void }>();

  constructor(parent: Element, make: (item: T) => { element: Element; update: (item: T) => void }) {
    this.#parent = parent;
    this.#make = make;
  }

  show(items: readonly T[], keyOf: (item: T) => string): void {
    const keys = new Set(items.map(keyOf));
    for (const [key, { element }] of this.#made) {
      if (keys.has(key)) continue;
      element.remove();
      this.#made.delete(key);
    }
    const elements = items.map((item) => {
      const key = keyOf(item);
      const made = this.#made.get(key) ?? this.#make(item);
      this.#made.set(key, made);
      made.update(item);
      return made.element;
    });
    this.#order(elements);
  }

  /**
   * Puts the elements in order. A moved element loses focus, so the other elements are moved around the focused one.
   */
  #order(elements: readonly Element[]): void {
    if (elements.length === 0) return;
    const focused = elements.findIndex((element) => element.contains(document.activeElement));
    const first = Math.max(0, focused);
    if (focused < 0 && this.#parent.firstChild !== elements[0]) this.#parent.prepend(elements[0]);
    for (let i = first - 1; i >= 0; i--) {
      if (elements[i].nextSibling !== elements[i + 1]) elements[i + 1].before(elements[i]);
    }
    for (let i = first + 1; i < elements.length; i++) {
      if (elements[i].previousSibling !== elements[i - 1]) elements[i - 1].after(elements[i]);
    }
  }
}

export function seconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Formats the value of a metric: a share in percent, any other value with four decimals. */
export const valueText = (value: number, share: boolean): string => (share ? percent(value) : value.toFixed(4));

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
