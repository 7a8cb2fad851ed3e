import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CryfoldError } from '@cryfold/core';

/**
 * Keeps two local clusters from working in one folder. Without it nothing would be lost, since each fold is committed
 * once, but both would train every fold and mix their logs and results. What a killed command left is taken over.
 * @param folder that exists
 * @returns what ends it
 * @throws CryfoldError OUT_IN_USE
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, '.lock');
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const holder = holderOf(file);
      if (tries === 0 && !lives(holder)) rmSync(file, { force: true });
      else {
        throw new CryfoldError(
          'OUT_IN_USE',
          `another cryfold (process ${holder.pid} on ${holder.host}) works in ${folder}`,
          {
            context: { folder, pid: holder.pid },
            hint: `Wait for its end, or give another folder with --out. If there is no such process, delete ${file}.`,
          },
        );
      }
    }
  }
}

function holderOf(file: string): { pid: number; host: string } {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // It has just ended.
  }
  const [pid, host] = text.trim().split(' ');
  return { pid: Number(pid) || 0, host: host ?? hostname() };
}

function lives({ pid, host }: { pid: number; host: string }): boolean {
  if (host !== hostname()) return true;
  // In containers, the next command often has the number of the last one.
  if (pid === 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
