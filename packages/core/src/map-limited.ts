/** Maximum number of concurrent operations on a remote store or Redis. */
const CONCURRENT = 16;

/**
 * Maps items with at most `limit` concurrent actions. Results keep the order of the items. After the first rejection,
 * the whole call is rejected, and no further action starts.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  action: (item: T, index: number) => Promise<R>,
  limit = CONCURRENT,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      const i = next++;
      try {
        results[i] = await action(items[i], i);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
