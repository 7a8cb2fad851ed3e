import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isObject } from '@cryfold/core';
import { lockHolder, readLock } from './out-lock.js';

/** In a locked folder: what its holder works on. Short, as a lock is: see LONGEST in out-lock.ts. */
const LIVE = '.live';

interface Announced {
  /** Id of the lock that this belongs to: a file that a killed command left belongs to none */
  lock: string | undefined;
  run: string;
  /** Socket of the private Redis; undefined while it is being started */
  socket: string | undefined;
}

/** A local run that some command of this machine, or of another one, works on. */
export interface LiveRun {
  run: string;
  /** Of the command */
  pid: number;
  host: string;
  /** Its `--out` */
  folder: string;
  /** Where its private Redis listens; undefined while it starts, and on another machine */
  redisUrl: string | undefined;
}

/**
 * Says in a folder that this process has locked what it works on there, for commands in other terminals.
 * @returns takes it back
 */
export function announceRun(folder: string, run: string, socket?: string): () => void {
  const lock = lockHolder(folder)?.id;
  const staged = join(folder, `${LIVE}-${randomBytes(12).toString('hex')}`);
  writeFileSync(staged, JSON.stringify({ lock, run, socket } satisfies Announced), { flag: 'wx' });
  renameSync(staged, join(folder, LIVE));
  return () => rmSync(join(folder, LIVE), { force: true });
}

/** The runs that commands work on in a folder, or in those directly below it, as `run --protocol` of several does. */
export function liveRuns(folder: string): LiveRun[] {
  let below: string[];
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  } catch {
    // There is no such folder, or none that can be read.
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
    // Not what `announceRun` writes, or not to be read by this user.
    return undefined;
  }
}

/** Whether a path is that of a private Redis, since others may write to the folder as well. */
function isPrivate(socket: string): boolean {
  return (
    isAbsolute(socket) && basename(socket) === 'redis.sock' && /^cryfold-redis-\w{6}$/.test(basename(dirname(socket)))
  );
}
