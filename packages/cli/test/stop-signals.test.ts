import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const MODULE = new URL('../src/stop-signals.js', import.meta.url).href;

/** Starts a process whose work runs the code in `afterStop` once a stop signal has arrived. */
async function working(afterStop: string) {
  const code = `
    import { untilStopped } from ${JSON.stringify(MODULE)};
    const alive = setInterval(() => {}, 1000);
    const work = async (stop) => {
      process.stdout.write('working');
      await new Promise((resolve) => stop.addEventListener('abort', resolve));
      ${afterStop}
      return 7;
    };
    process.exitCode = await untilStopped(work, { target: { kind: 'cluster' } });
    clearInterval(alive);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('a signal stops a command that follows a run', async () => {
  const child = await working('');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [7, null]);
});

test('exits after a signal even if work does not stop, such as a request to an unreachable store', async () => {
  const child = await working('await new Promise(() => {});');
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [4, null]);
  clearTimeout(late);
});
