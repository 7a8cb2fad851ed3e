import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Milliseconds between memory checks of a group. */
const LOOK_MS = 200;

/** Milliseconds to wait for the output of a program that exited, if a process outside its group keeps it open. */
const DRAIN_MS = 1000;

export interface GroupOptions {
  folder: string;
  environment: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** Maximum resident memory of all processes together, MiB; enforced on Linux only */
  memoryMb: number;
  /** Called with each line of standard output */
  onLine: (line: string) => void;
  /** Called with text from standard error */
  onError: (text: string) => void;
}

/** How a program exited. */
export interface GroupEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why this process killed the program, if it did */
  ended?: 'timeout' | 'memory';
  /** Peak resident memory, MiB; 0 if it cannot be measured */
  peakMb: number;
}

/** A program and its descendants in a separate process group, so that all of them can be killed together. */
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

  /** Number of the process group; undefined if the program could not be started. */
  get id(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Resolves once the program has exited and no process that it started is left. @throws the `error` that `spawn` emits
   */
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
        // Waits only for the program itself, since a process that it left behind may keep its output open forever.
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

  /** Kills every process of the group immediately. */
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

/** Kills all remaining processes of a group. */
export function killGroup(id: number): void {
  try {
    process.kill(-id, 'SIGKILL');
  } catch {
    // No process is left.
  }
}

const PAGE_MB = 4096 / 2 ** 20;

/** Returns the resident memory of all processes of a group in MiB; 0 on systems without /proc. */
async function residentMb(group: number): Promise<number> {
  const names = await readdir('/proc').catch(() => [] as string[]);
  const sizes = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
        // The name of the program, in parentheses, may contain spaces.
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
        return Number(fields[2]) === group ? Number(fields[21]) * PAGE_MB : 0;
      }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Maximum length of a line; longer lines are split. */
const LINE = 65_536;

/** Splits text into lines as it arrives. */
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
