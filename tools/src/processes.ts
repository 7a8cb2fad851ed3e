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

/** Memory of a process in MiB; NaN where /proc does not tell. */
export interface Memory {
  /** Resident: with all of the pages that it shares with others */
  rss: number;
  /** With its share of those pages: divided by the number of processes of this machine that map them */
  pss: number;
}

/** Seconds of processor time that a process has used, in Linux's ticks of 10 ms; NaN where /proc does not tell. */
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
