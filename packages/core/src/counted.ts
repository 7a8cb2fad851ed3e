/** Returns a count with its noun: `1 group`, `3 groups`, `2 classes`. The plural of the noun must be regular. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${/(?:s|x|sh|[^o]ch)$/.test(noun) ? 'es' : 's'}`;
}
