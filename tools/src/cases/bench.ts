import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROGRAM, ROOT } from '@cryfold/integration-tests/command';

export interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Peak resident memory in MiB */
  peak: number;
}

export interface CallOptions {
  /** Standard input; default: none */
  input?: Uint8Array;
  environment?: Record<string, string>;
  /** Seconds after which the program is killed; default: 180 */
  seconds?: number;
}

interface Inspected {
  clips: number;
  classes: { label: string }[];
  groups: number;
  groupSource: { kind: string; name?: string };
  reader: string;
  warnings: string[];
}

/** A flag that makes Node write its peak resident memory in KiB as the last line of standard error. */
const TELL_MEMORY = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('exit',()=>{process.stderr.write('\\npeak '+process.resourceUsage().maxRSS+'\\n')})",
)}`;

/** The folder of cases, a working folder, and the commands of this checkout. */
export class Bench {
  readonly #made = new Map<string, Promise<string>>();

  /**
   * @param cases folder of the cases, which is only read
   * @param work empty folder that may be filled
   */
  constructor(
    readonly cases: string,
    readonly work: string,
  ) {}

  /** A path in the working folder. */
  path(...parts: string[]): string {
    return join(this.work, ...parts);
  }

  /** Runs a program in the working folder until it exits. */
  call(program: string, args: readonly string[], options: CallOptions = {}): Promise<Answer> {
    const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...rest } = process.env;
    const child = spawn(program, args, {
      cwd: this.work,
      env: { ...rest, CRYFOLD: ROOT, CASES: this.cases, CASES_WORK: this.work, ...options.environment },
      stdio: 'pipe',
      timeout: 1000 * (options.seconds ?? 180),
      killSignal: 'SIGKILL',
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text) => {
        said[name] += text;
      });
    }
    // Ignores the error that occurs if a program closes the pipe because it rejects its input early.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        const peak = Number(/\npeak (\d+)\n$/.exec(said.stderr)?.[1] ?? Number.NaN) / 1024;
        resolve({ code, ...said, stderr: said.stderr.replace(/\npeak \d+\n$/, ''), peak });
      });
    });
  }

  cryfold(args: readonly string[], options?: CallOptions): Promise<Answer> {
    return this.call(process.execPath, [TELL_MEMORY, PROGRAM, ...args], options);
  }

  /** Calls `make` only once for each name, for example to create a corpus that several cases need. */
  once(name: string, make: () => Promise<string>): Promise<string> {
    const known = this.#made.get(name) ?? make();
    this.#made.set(name, known);
    return known;
  }

  /**
   * Runs a Python script of the cases once. The script writes to its own folder.
   * @returns the folder
   */
  make(script: string): Promise<string> {
    return this.once(script, async () => {
      const folder = this.path(script.replace(/\.\w+$/, ''));
      mkdirSync(folder, { recursive: true });
      await this.python(script, [folder]);
      return folder;
    });
  }

  /** Runs a Python script of the cases, and returns what it printed. @throws Error if it fails */
  async python(script: string, args: readonly string[], edit = (text: string) => text): Promise<string> {
    const source = await readFile(join(this.cases, script), 'utf8');
    return this.pythonText(edit(source), args);
  }

  /** Runs Python source that may use `lib.py` of the cases. @throws Error if it fails */
  async pythonText(source: string, args: readonly string[] = []): Promise<string> {
    return this.#run('python3', ['-c', this.#resolved(source), ...args]);
  }

  /** Runs a shell script of the cases, and returns what it printed. @throws Error if it fails */
  async shell(script: string, edit: (text: string) => string): Promise<string> {
    const source = await readFile(join(this.cases, script), 'utf8');
    return this.#run('bash', ['-ec', this.#resolved(edit(source))]);
  }

  /** Replaces variables for folders in scripts by their values, even inside quotes. */
  #resolved(source: string): string {
    const variables: Record<string, string> = { CASES_WORK: this.work, CASES: this.cases, CRYFOLD: ROOT };
    return source.replace(/\$(CASES_WORK|CASES|CRYFOLD)\b/g, (_, name) => variables[name]);
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const environment = {
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONPATH: [this.cases, process.env.PYTHONPATH].filter(Boolean).join(':'),
    };
    const { code, stdout, stderr } = await this.call(program, args, { environment });
    if (code !== 0) throw new Error(`${program}: ${stderr.trim().split('\n').at(-1)}`);
    return stdout;
  }

  /**
   * Summarizes the output of `cryfold data inspect` for a corpus in one line: clips, classes, groups and warnings, or
   * the error.
   */
  async inspect(path: string, ...flags: string[]): Promise<string> {
    const answer = await this.cryfold(['data', 'inspect', path, '--json', ...flags]);
    if (answer.code !== 0) return this.failure(answer);
    const { clips, classes, groups, groupSource, reader, warnings } = JSON.parse(answer.stdout) as Inspected;
    const labels = classes.map(({ label }) => label).join(', ');
    const source = groupSource.kind === 'none' ? 'groups not known' : `${groups} groups by ${groupSource.kind}`;
    return [`${clips} clips of ${labels}; ${source}; read as ${reader}`, ...warnings].join('; ');
  }

  /** Returns the error of a command: code and message from its output, in JSON or as text. */
  failure({ code, stdout, stderr }: Answer): string {
    const line = stdout.split('\n').find((text) => text.startsWith('{"error":'));
    if (line) {
      const { error } = JSON.parse(line) as { error: { code: string; message: string; hint?: string } };
      return `${error.code} ${error.message} ${error.hint ?? ''}`.replaceAll('\n', ' ').trim();
    }
    const told = /^cryfold: ([A-Z_]+): (.*)$/m.exec(stderr);
    return told ? `${told[1]} ${told[2]}` : `exit ${code}: ${stderr.trim().split('\n').at(-1)}`;
  }
}

/** Runs a test by name. @returns a text that says whether the test has passed, with the error if it has failed */
export async function runTest(bench: Bench, file: string, name: string): Promise<string> {
  const built = join(ROOT, file.replace(/^(.*?)\/(src|test)\/(.*)\.ts$/, '$1/dist/$2/$3.js'));
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = ['--test', '--test-reporter=tap', `--test-name-pattern=^${escaped}$`, built];
  const { stdout } = await bench.call(process.execPath, args, { seconds: 300 });
  // Tests with other names count as skipped, so only the line of this test is relevant.
  const line = new RegExp(`^ *(ok|not ok) \\d+ - ${escaped}(?: # SKIP (.*))?$`, 'm').exec(stdout);
  if (!line) return 'its test was not found';
  if (line[2] !== undefined) return `its test was skipped: ${line[2]}`;
  return line[1] === 'ok' ? 'its test passes' : `its test fails: ${/error: '?(.*)/.exec(stdout)?.[1] ?? ''}`;
}
