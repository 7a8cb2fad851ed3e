import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Milliseconds between two looks at the memory of a group. */
const LOOK_MS = 200;

/** Milliseconds in which the output of a program that has ended is read, where a process outside of its group holds it open. */
const DRAIN_MS = 1000;

export interface GroupOptions {
  folder: string;
  environment: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** Resident memory of all processes together, MiB; enforced on Linux only */
  memoryMb: number;
  /** Each line of standard output */
  onLine: (line: string) => void;
  /** Text of standard error */
  onError: (text: string) => void;
}

/** How a program ended. */
export interface GroupEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What made this process end it, if it did */
  ended?: 'timeout' | 'memory';
  /** The most resident memory that was seen, MiB; 0 where it cannot be measured */
  peakMb: number;
}

/** A program and whatever it starts, in a process group of its own, so that all of it ends together. */
export class ProcessGroup {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #options: GroupOptions;
  #ended: GroupEnd['ended'];
  #peakMb = 0;

  constructor([program, ...args]: readonly string[], options: GroupOptions) {
    this.#options = options;
    this.#child = spawn(program, args, {
      cwd: options.folder,
      env: options.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Its number; undefined where the program could not be started. */
  get id(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the program has ended, and no process that it started is left. @throws as `spawn` emits it */
  async end(): Promise<GroupEnd> {
    const { timeoutMs, onLine, onError } = this.#options;
    const timeout = setTimeout(() => this.kill('timeout'), timeoutMs);
    const watch = setInterval(() => void this.#look(), LOOK_MS);
    const unwatch = () => {
      clearTimeout(timeout);
      clearInterval(watch);
    };
    const output = new Lines(onLine);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => output.add(text));
    this.#child.stderr.setEncoding('utf8').on('data', onError);
    try {
      const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        this.#child.once('error', reject);
        // Of the program itself: one that it left behind may hold its output open for ever.
        this.#child.once('exit', (...how) => {
          unwatch();
          this.kill();
          const drained = setTimeout(() => this.#closeOutput(), DRAIN_MS);
          this.#child.once('close', () => {
            clearTimeout(drained);
            resolve(how);
          });
        });
      });
      output.end();
      return { code, signal, ...(this.#ended && { ended: this.#ended }), peakMb: this.#peakMb };
    } finally {
      unwatch();
    }
  }

  /** Ends every process of the group at once. */
  kill(reason?: GroupEnd['ended']): void {
    this.#ended ??= reason;
    if (this.id !== undefined) killGroup(this.id);
  }

  #closeOutput(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  async #look(): Promise<void> {
    const mb = await residentMb(this.id ?? 0);
    this.#peakMb = Math.max(this.#peakMb, mb);
    if (mb > this.#options.memoryMb) this.kill('memory');
  }
}

/** Kills all processes of a group, if any is left. */
export function killGroup(id: number): void {
  try {
    process.kill(-id, 'SIGKILL');
  } catch {
    // None is left.
  }
}

const PAGE_MB = 4096 / 2 ** 20;

/** Resident memory of all processes of a group, MiB; 0 without /proc. */
async function residentMb(group: number): Promise<number> {
  const names = await readdir('/proc').catch(() => [] as string[]);
  const sizes = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
        // The program's name, in parentheses, may hold blanks.
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
        return Number(fields[2]) === group ? Number(fields[21]) * PAGE_MB : 0;
      }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Characters of a line, after which it is cut. */
const LINE = 65_536;

/** Cuts text into lines. */
class Lines {
  #rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  add(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = (parts.pop() ?? '').slice(0, LINE);
    for (const part of parts) this.onLine(part);
  }

  end(): void {
    if (this.#rest !== '') this.onLine(this.#rest);
  }
}
