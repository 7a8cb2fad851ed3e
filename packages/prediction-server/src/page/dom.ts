/** Returns the element with an id that must exist on the page. */
export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

export const time = (seconds: number) => `${seconds.toFixed(1)} s`;

export function element(kind: string, text: string, className = ''): HTMLElement {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = className;
  return made;
}
