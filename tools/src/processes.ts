import { readFileSync } from 'node:fs';

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function mebibytes(text: string, line: RegExp): number {
  return Number(line.exec(text)?.[1] ?? Number.NaN) / 1024;
}

/** Memory of a process in MiB; NaN on systems without /proc. */
export interface Memory {
  /** Resident memory, including all pages that it shares with others */
  rss: number;
  /** Like `rss`, but the size of each shared page is divided by the number of processes on this machine that map it */
  pss: number;
}

/**
 * Processor seconds that a process has used, with a resolution of 10 ms (Linux's ticks); NaN on systems without /proc.
 */
export function cpuSeconds(pid: number): number {
  const stat = read(pid, 'stat');
  const members = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(members[11]) + Number(members[12])) / 100;
}

export function memoryOf(pid: number): Memory {
  return {
    rss: mebibytes(read(pid, 'status'), /VmRSS:\s+(\d+)/),
    pss: mebibytes(read(pid, 'smaps_rollup'), /^Pss:\s+(\d+)/m),
  };
}
