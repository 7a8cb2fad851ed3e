import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Entry point of the process that owns the private Redis of one command: `redis-keeper.js PROGRAM`. It creates the
 * folder of the socket, restarts Redis if it dies, and stops Redis when the command exits for any reason. It kills only
 * its own child, and removes only the socket and the folder that it created, so it cannot harm a shared Redis. Redis
 * stores nothing on disk: the store is the source of truth, and the coordinator enqueues whatever an empty Redis lacks.
 */
export type FromKeeper =
  | { type: 'started'; socket: string }
  | { type: 'restarted'; reason: string }
  | { type: 'failed'; reason: string };

/** Maximum length in bytes of a socket path that works on all systems. The limit is 104 on macOS and 108 on Linux. */
const LONGEST = 100;
/** If Redis dies this many times within `WINDOW_MS`, the keeper gives up. */
const DEATHS = 5;
const WINDOW_MS = 60_000;
/** Milliseconds between checks of the socket, and before a restart. */
const CHECK_MS = 1000;
const RESTART_MS = 200;

/**
 * Makes the kernel kill Redis when the keeper dies. This works only on Linux, and not with every version of setpriv.
 */
const TIED = ['setpriv', '--pdeathsig', 'KILL'];

const [program] = process.argv.slice(2);
const tie = spawnSync(TIED[0], [...TIED.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? TIED : [];
const deaths: number[] = [];
let folder: string | undefined;
let redis: ChildProcess | undefined;
let ending = false;
/** The reason why the keeper killed Redis */
let lost: string | undefined;

function notify(message: FromKeeper): void {
  // The callback prevents an uncaught error if the command exits at this moment.
  if (process.connected) process.send?.(message, () => {});
}

function socketIn(parent: string): string {
  return join(parent, 'redis.sock');
}

/** Creates a folder that only this user can access, with a path that is short enough for a socket. */
function makeFolder(): string {
  const name = 'cryfold-redis-';
  const fits = Buffer.byteLength(socketIn(join(tmpdir(), `${name}XXXXXX`))) <= LONGEST;
  try {
    return mkdtempSync(join(fits ? tmpdir() : '/tmp', name));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`cannot create a folder for its socket; TMPDIR must be a writable folder: ${message}`);
  }
}

/** @throws Error if the folder does not exist or does not belong to this user */
function claim(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = lstatSync(path);
    // Another user may have created the folder after it was removed.
    if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
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
  }, CHECK_MS);
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
  child.once('exit', (code, signal) => end(`it exited (${signal ?? `code ${code}`})`));
}

function restart(path: string, reason: string): void {
  const now = Date.now();
  deaths.push(now);
  if (deaths.filter((time) => now - time < WINDOW_MS).length >= DEATHS) {
    notify({ type: 'failed', reason: `${reason}, for the ${DEATHS}th time within a minute` });
    return;
  }
  setTimeout(() => {
    if (ending) return;
    try {
      run(path);
      notify({ type: 'restarted', reason });
    } catch (error) {
      notify({ type: 'failed', reason: `${reason}, and cannot be restarted: ${(error as Error).message}` });
    }
  }, RESTART_MS);
}

/** Removes only what this process has created. If the folder contains anything else, it is left in place. */
function leave(): never {
  if (folder) {
    try {
      unlinkSync(socketIn(folder));
    } catch {
      // Redis has already removed the socket, as it does on a clean shutdown.
    }
    try {
      rmdirSync(folder);
    } catch {
      // The folder no longer exists, or contains other files.
    }
  }
  process.exit(0);
}

function endAll(): void {
  ending = true;
  if (redis) redis.kill('SIGKILL');
  else leave();
}

// A service manager may signal all processes of a command, but Redis is needed until the command has exited.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', endAll);
// Also kills Redis if this process crashes.
process.once('exit', () => redis?.kill('SIGKILL'));
try {
  folder = makeFolder();
  run(folder);
  notify({ type: 'started', socket: socketIn(folder) });
} catch (error) {
  notify({ type: 'failed', reason: (error as Error).message });
}
if (!process.connected) endAll();
