import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const MEBI = 2 ** 20;

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Memory that this process and its children may use together, MiB: the machine's memory and swap, or the limit of its
 * cgroup.
 */
function memoryMb(): number {
  const swapKb = Number(/^SwapTotal:\s+(\d+)/m.exec(read('/proc/meminfo'))?.[1] ?? 0);
  const machine = totalmem() + 1024 * swapKb;
  return Math.min(machine, process.constrainedMemory() || machine) / MEBI;
}

/**
 * The default memory limit of one child process, MiB: all memory minus a reserve for the parent and the system, which
 * is a sixteenth of the total and at least 256 MiB. The limit is not divided by the number of children, since they
 * rarely reach their peaks at the same time, and dividing it could break runs that fit into memory today.
 * `BoundedChild` also limits their sum.
 * @param total MiB
 */
export function defaultChildMemoryMb(total = memoryMb()): number {
  return Math.floor(Math.max(256, total - Math.max(256, total / 16)));
}

/**
 * Returns how many processes the kernel has killed for lack of memory, in the cgroup of this process (v2, then v1) or
 * on the whole machine. 0 on systems that do not count them.
 */
export function oomKills(): number {
  for (const file of counters(read('/proc/self/cgroup'))) {
    const found = /^oom_kill (\d+)$/m.exec(read(file));
    if (found) return Number(found[1]);
  }
  return 0;
}

/**
 * Files that may contain the count of killed processes, the most specific first. In a container, the path of the
 * process's cgroup may not be visible.
 */
function counters(cgroups: string): string[] {
  const own = (pattern: RegExp) => pattern.exec(cgroups)?.[1].replace(/\/$/, '') ?? '';
  const v2 = own(/^0::(.*)$/m);
  const v1 = own(/^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m);
  return [
    ...[`/sys/fs/cgroup${v2}/memory.events`, '/sys/fs/cgroup/memory.events'],
    ...[`/sys/fs/cgroup/memory${v1}/memory.oom_control`, '/sys/fs/cgroup/memory/memory.oom_control'],
    '/proc/vmstat',
  ];
}

/** Values in /proc/PID/status, in KiB. */
const FIELDS = { anonymous: /^RssAnon:\s+(\d+)/m, data: /^VmData:\s+(\d+)/m };

/**
 * Returns the memory of a process in MiB: its private memory in RAM, and the writable private address space that
 * RLIMIT_DATA limits. Returns zeros for a process that has exited, and on systems without /proc.
 */
export function memoryOf(pid: number): { anonymous: number; data: number } {
  const status = read(`/proc/${pid}/status`);
  const field = (pattern: RegExp) => Number(pattern.exec(status)?.[1] ?? 0) / 1024;
  return { anonymous: field(FIELDS.anonymous), data: field(FIELDS.data) };
}
