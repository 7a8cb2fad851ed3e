import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Entry point of the process that owns the private Redis of one command: `redis-keeper.js PROGRAM`. It makes the folder
 * of the socket, restarts Redis when it dies, and ends both when the command ends, however that happens. It kills only
 * its own child and removes only the socket and the folder that it made, so a shared Redis is out of its reach. Redis
 * keeps nothing on disk: the store holds the truth, and the coordinator enqueues again what an empty Redis lacks.
 */
export type FromKeeper =
  | { type: 'started'; socket: string }
  | { type: 'restarted'; reason: string }
  | { type: 'failed'; reason: string };

/** Bytes of a socket's path that every system takes: the limit is 104 on macOS and 108 on Linux. */
const LONGEST = 100;
/** Deaths of Redis within `WINDOW_MS` after which the keeper gives up. */
const DEATHS = 5;
const WINDOW_MS = 60_000;
/** Milliseconds between two looks at the socket, and before a restart. */
const LOOK_MS = 1000;
const RESTART_MS = 200;

/** Has the kernel kill Redis when the keeper dies; not in every version of setpriv, and only on Linux. */
const TIED = ['setpriv', '--pdeathsig', 'KILL'];

const [program] = process.argv.slice(2);
const tie = spawnSync(TIED[0], [...TIED.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? TIED : [];
const deaths: number[] = [];
let folder: string | undefined;
let redis: ChildProcess | undefined;
let ending = false;
/** Why Redis was killed from here */
let lost: string | undefined;

function tell(message: FromKeeper): void {
  // The command may end at this very moment: without a callback, that would be an uncaught error.
  if (process.connected) process.send?.(message, () => {});
}

function socketIn(parent: string): string {
  return join(parent, 'redis.sock');
}

/** A folder that only this user can enter, with a path that is short enough for a socket. */
function makeFolder(): string {
  const name = 'cryfold-redis-';
  const fits = Buffer.byteLength(socketIn(join(tmpdir(), `${name}XXXXXX`))) <= LONGEST;
  try {
    return mkdtempSync(join(fits ? tmpdir() : '/tmp', name));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`no folder for its socket can be made; TMPDIR must name one that can be written: ${message}`);
  }
}

/** @throws Error unless the folder is there and belongs to this user */
function claim(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = lstatSync(path);
    // Another user may have taken the name after the folder was removed.
    if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${path} belongs to someone else`);
  }
}

function run(path: string): void {
  claim(path);
  const settings = {
    port: '0',
    unixsocket: socketIn(path),
    unixsocketperm: '700',
    dir: path,
    appendonly: 'no',
    save: '',
    'maxmemory-policy': 'noeviction',
    loglevel: 'warning',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const [command, ...rest] = [...tie, program, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
  redis = child;
  let bound = false;
  const timer = setInterval(() => {
    const there = lstatSync(socketIn(path), { throwIfNoEntry: false }) !== undefined;
    bound ||= there;
    if (there || !bound) return;
    lost = `its socket ${socketIn(path)} was removed`;
    child.kill('SIGKILL');
  }, LOOK_MS);
  let over = false;
  const end = (reason: string) => {
    if (over) return;
    over = true;
    clearInterval(timer);
    redis = undefined;
    if (ending) leave();
    else restart(path, lost ?? reason);
    lost = undefined;
  };
  child.once('error', (error) => end(error.message));
  child.once('exit', (code, signal) => end(`it ended (${signal ?? `code ${code}`})`));
}

function restart(path: string, reason: string): void {
  const now = Date.now();
  deaths.push(now);
  if (deaths.filter((time) => now - time < WINDOW_MS).length >= DEATHS) {
    tell({ type: 'failed', reason: `${reason}, for the ${DEATHS}th time within a minute` });
    return;
  }
  setTimeout(() => {
    if (ending) return;
    try {
      run(path);
      tell({ type: 'restarted', reason });
    } catch (error) {
      tell({ type: 'failed', reason: `${reason}, and cannot be started again: ${(error as Error).message}` });
    }
  }, RESTART_MS);
}

/** Removes what was made here, and nothing else: a folder that holds anything more stays. */
function leave(): never {
  if (folder) {
    try {
      unlinkSync(socketIn(folder));
    } catch {
      // Redis removes it when it ends in order.
    }
    try {
      rmdirSync(folder);
    } catch {
      // It is gone, or somebody else put a file there.
    }
  }
  process.exit(0);
}

function endAll(): void {
  ending = true;
  if (redis) redis.kill('SIGKILL');
  else leave();
}

// A service manager may signal every process of a command; Redis is needed until the command has ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', endAll);
// Also where this process ends by a defect.
process.once('exit', () => redis?.kill('SIGKILL'));
try {
  folder = makeFolder();
  run(folder);
  tell({ type: 'started', socket: socketIn(folder) });
} catch (error) {
  tell({ type: 'failed', reason: (error as Error).message });
}
if (!process.connected) endAll();
