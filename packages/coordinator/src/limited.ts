/** Store look-ups under way at once. */
const LOOKUPS = 32;

export async function forEachLimited<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await action(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(LOOKUPS, items.length) }, lane));
}
