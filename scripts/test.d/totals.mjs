// Reporter of scripts/test: writes how many tests of the whole run passed, failed and were skipped, as three numbers. The
// runner reports its totals as its last diagnostics.
export default async function* totals(source) {
  const count = { pass: 0, fail: 0, cancelled: 0, skipped: 0 };
  for await (const { type, data } of source) {
    const [, name, number] = (type === 'test:diagnostic' && /^(\w+) (\d+)$/.exec(data.message)) || [];
    if (name in count) count[name] = Number(number);
  }
  yield `${count.pass} ${count.fail + count.cancelled} ${count.skipped}\n`;
}
