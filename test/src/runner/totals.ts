import type { TestEvent } from 'node:test/reporters';

/**
 * A reporter for scripts/test that writes three numbers: how many tests passed, failed and were skipped in total.
 * Node's test runner reports these totals in its last diagnostics.
 */
export default async function* totals(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const count: Record<string, number> = { pass: 0, fail: 0, cancelled: 0, skipped: 0 };
  for await (const event of source) {
    const match = event.type === 'test:diagnostic' ? /^(\w+) (\d+)$/.exec(event.data.message) : null;
    if (match && match[1] in count) count[match[1]] = Number(match[2]);
  }
  yield `${count.pass} ${count.fail + count.cancelled} ${count.skipped}\n`;
}
