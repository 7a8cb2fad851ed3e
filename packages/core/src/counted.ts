/** A number with its noun, which must have a regular plural: `1 group`, `3 groups`, `1 class`, `2 classes`. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${/(?:s|x|sh|[^o]ch)$/.test(noun) ? 'es' : 's'}`;
}
