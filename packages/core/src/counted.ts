/** `1 group`, `3 groups`, `1 class`, `2 classes`: a number with its noun, whose plural is regular. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${/(?:s|x|sh|[^o]ch)$/.test(noun) ? 'es' : 's'}`;
}
