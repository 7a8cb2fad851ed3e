import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isObject } from '@cryfold/core';
import { lockHolder, readLock } from './out-lock.js';

/**
 * File in a locked folder that describes the run of the process that holds the lock. It must not exceed the maximum
 * size of a lock file (LONGEST in out-lock.ts).
 */
const LIVE = '.live';

interface Announced {
  /** Id of the lock to which this file belongs, so that files left behind by killed commands are ignored */
  lock: string | undefined;
  run: string;
  /** Socket of the private Redis; undefined while it is starting */
  socket: string | undefined;
}

/** A local run that a command is executing, on this or another machine. */
export interface LiveRun {
  run: string;
  /** Process id of the command */
  pid: number;
  host: string;
  /** The run's folder */
  folder: string;
  /** URL of its private Redis; undefined while Redis is starting, or if it runs on another machine */
  redisUrl: string | undefined;
}

/**
 * Announces which run this process is executing, in a folder that it has locked, so that commands in other terminals
 * can find the run.
 * @returns a function that withdraws the announcement
 */
export function announceRun(folder: string, run: string, socket?: string): () => void {
  const lock = lockHolder(folder)?.id;
  const staged = join(folder, `${LIVE}-${randomBytes(12).toString('hex')}`);
  writeFileSync(staged, JSON.stringify({ lock, run, socket } satisfies Announced), { flag: 'wx' });
  renameSync(staged, join(folder, LIVE));
  return () => rmSync(join(folder, LIVE), { force: true });
}

/** The runs that commands are executing in a folder or its direct subfolders. */
export function liveRuns(folder: string): LiveRun[] {
  let below: string[];
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  } catch {
    // The folder does not exist or is not readable.
    return [];
  }
  return [folder, ...below].flatMap((one) => liveRun(one) ?? []);
}

function liveRun(folder: string): LiveRun | undefined {
  try {
    const text = readLock(join(folder, LIVE));
    const holder = text ? lockHolder(folder) : undefined;
    if (!text || !holder) return undefined;
    const announced: unknown = JSON.parse(text);
    if (!isObject(announced)) return undefined;
    const { lock, run, socket } = announced;
    if (lock !== holder.id || typeof run !== 'string') return undefined;
    const { pid, host } = holder;
    const here = host === hostname() && typeof socket === 'string' && isPrivate(socket);
    return { run, pid, host, folder, redisUrl: here ? socket : undefined };
  } catch {
    // The file was not written by `announceRun`, or this user may not read it.
    return undefined;
  }
}

/**
 * Whether a path may belong to a private Redis. This must be checked, because other users may be able to write to the
 * folder.
 */
function isPrivate(socket: string): boolean {
  return (
    isAbsolute(socket) && basename(socket) === 'redis.sock' && /^cryfold-redis-\w{6}$/.test(basename(dirname(socket)))
  );
}
