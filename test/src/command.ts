import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const PROGRAM = join(ROOT, 'packages', 'cli', 'bin', 'cryfold.js');

/** Returns the names of the packages' folders, except folders with only leftover build output. */
export async function packageFolders(): Promise<string[]> {
  const names = await readdir(join(ROOT, 'packages'));
  return names.filter((name) => existsSync(join(ROOT, 'packages', name, 'package.json')));
}

/** Three folds of networks so small that a fold takes a second or two. */
export const TINY_SPEC = `
version: 1
name: tiny
protocol: { folds: 3, repeats: 1 }
estimators:
  small-cnn: { kind: small-cnn, epochs: 2, learningRate: 1e-3, filters: [4, 8, 8], dense: [16] }
  tl-resnet50: { kind: tl-resnet50, epochs: 1, dense: [32, 16, 8] }
  svm: { kind: svm }
fusion:
  combined: { members: [tl-resnet50, svm] }
`;

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'cryfold-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Command {
  process: ChildProcess;
  /** Returns the output so far. */
  stdout: () => string;
  stderr: () => string;
  ended: Promise<Ended>;
}

/** Flags of a local run that puts copies of its results in this folder and its store in the subfolder `store`. */
export const ownStore = (out: string): string[] => ['--store', join(out, 'store'), '--out', out];

/** Starts `cryfold ARGS`. REDIS_URL and the store's variables are only set if `environment` contains them. */
export function start(args: string[], environment: Record<string, string> = {}): Command {
  const { REDIS_URL: _redis, CRYFOLD_STORE: _store, ...rest } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...rest, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended };
}

export async function cryfold(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  return start(args, environment).ended;
}

/** Waits until `look` returns a truthy value. After a timeout, fails with a message that mentions `what`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 60,
) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `waited ${seconds} s for ${what}`);
    await sleep(50);
  }
}

/** @param url the URL of a service: a coordinator's API or its metrics port */
export const untilReady = (url: string) =>
  until('the service to be ready', () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );

export interface LogLine {
  time: string;
  msg: string;
  /** Only present in log lines of a cluster's services */
  role?: string;
  pid?: number;
  key?: string;
  trial?: string;
  code?: string;
}

/** Returns all log lines of a cluster in this folder, or of the local runs of `ownStore`, in chronological order. */
export async function logLines(out: string): Promise<LogLine[]> {
  const runs = join(out, 'store', 'runs');
  const folders = (await readdir(runs).catch(() => [])).map((run) => join(runs, run, 'logs'));
  const lines: LogLine[] = [];
  for (const folder of [join(out, 'logs'), ...folders]) {
    for (const name of await readdir(folder).catch(() => [])) {
      for (const line of (await readFile(join(folder, name), 'utf8')).split('\n')) {
        const found = line.startsWith('{') && line.endsWith('}') ? (JSON.parse(line) as LogLine) : readText(line);
        if (found) lines.push(found);
      }
    }
  }
  return lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

/** Parses a human-readable log line, as written by the services of a local run. */
function readText(line: string): LogLine | undefined {
  const [, time, msg, rest = ''] = /^(\S+ \S+Z) \w+ +(.*?)(?: {2}(.*))?$/.exec(line) ?? [];
  if (time === undefined) return undefined;
  const fields = [...rest.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  return { ...Object.fromEntries(fields), time: time.replace(' ', 'T'), msg };
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Returns the processes on this machine whose command line contains the text. */
export function processes(text: string): Process[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
      return match?.[3].includes(text) ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] }] : [];
    });
}

/** Returns all descendants of a process. */
export function descendants(pid: number): Process[] {
  const all = processes('');
  const below = (parent: number): Process[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

/** Returns whether a process of this user exists. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
