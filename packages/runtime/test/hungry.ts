import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundedChild } from '../src/index.js';

/**
 * Processes for bounded-child.test.ts. `hungry.js touch MIB` fills memory step by step, then idles; `hungry.js reserve`
 * allocates memory without touching it until an allocation fails, and sends the error message; `hungry.js temporary`
 * creates a temporary folder; `hungry.js parent CHILDREN MIB LIMIT` starts children in mode `touch` and prints why the
 * first child exited.
 */
const [mode, mib] = process.argv.slice(2);
const kept: Uint8Array[] = [];
if (mode === 'parent') {
  const [, , , children, each, limitMb] = process.argv.map(Number);
  for (let i = 0; i < children; i++) {
    const child = new BoundedChild(process.argv[1], { args: ['touch', String(each)], limitMb, hint: 'h' });
    child.process.send({});
    child.process.once('close', (_code, signal) => {
      const error = child.outOfMemory(signal);
      console.log(JSON.stringify({ signal, error: error?.toRecord() ?? null }));
      process.exit();
    });
  }
} else {
  process.on('disconnect', () => process.exit());
  process.once('message', () => {
    try {
      if (mode === 'temporary') mkdtempSync(join(tmpdir(), `cryfold-graph-${process.env.CRYFOLD_CHILD}-`));
      if (mode === 'reserve') for (;;) kept.push(new Uint8Array(2 ** 30));
      for (let i = 0; i < Number(mib) / 20; i++) kept.push(new Uint8Array(20 * 2 ** 20).fill(1));
      process.send?.({ done: kept.length }, () => {});
    } catch (error) {
      process.send?.({ error: (error as Error).message });
    }
  });
}
