import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CryfoldError, sha256 } from '@cryfold/core';

const LOCK = '.lock';
/** Claims to replace a stale lock, and locks that are not placed yet. */
const CLAIM = '.lock-';
/** Bytes that are read of a lock file; ours are shorter. */
const LONGEST = 512;

interface Holder {
  pid: number;
  host: string;
  /** When the process started, as `startOf` answers; empty where unknown */
  started: string;
  /** Differs for any two contents; undefined where there is no such file */
  id: string | undefined;
}

/**
 * Keeps two local clusters out of one folder. Without it nothing would be lost, since each fold is committed once, but
 * both would train every fold and mix their logs and results. The lock of a process that died on this machine is taken
 * over, by exactly one of the commands that try; a lock of another machine is never judged.
 * @param folder that exists, on a file system with hard links
 * @returns releases the lock
 * @throws CryfoldError OUT_IN_USE; OUT_UNWRITABLE where no lock can be placed
 */
export function lockFolder(folder: string): () => void {
  const own = join(folder, `${CLAIM}${randomBytes(12).toString('hex')}`);
  const text = `${process.pid} ${hostname()} ${startOf(process.pid) || '-'} ${randomBytes(12).toString('hex')}\n`;
  try {
    // Whole before it gets its name, so that a lock is never seen half-written, even of a command that was killed.
    writeFileSync(own, text, { flag: 'wx' });
    const holder = place(folder, own);
    if (holder) throw inUse(folder, holder);
    removeClaims(folder);
  } catch (cause) {
    rmSync(own, { force: true });
    if (cause instanceof CryfoldError) throw cause;
    throw new CryfoldError('OUT_UNWRITABLE', `${folder} cannot be locked: ${(cause as Error).message}`, {
      cause,
      context: { path: folder },
      hint: 'Give a folder that can be written to, on a file system with hard links.',
    });
  }
  const file = join(folder, LOCK);
  return () => {
    if (readHolder(file).id === sha256(text)) rmSync(file, { force: true });
  };
}

/** Who holds the lock of a folder. */
export interface LockHolder {
  pid: number;
  host: string;
  /** Differs for any two holders */
  id: string;
}

/**
 * The process that holds the lock of a folder; undefined where none does. One of another machine counts as holding it,
 * since it is never judged.
 */
export function lockHolder(folder: string): LockHolder | undefined {
  const holder = readHolder(join(folder, LOCK));
  return holder.id !== undefined && lives(holder) ? { ...holder, id: holder.id } : undefined;
}

/**
 * Makes the file `own` the lock. Where the lock is stale, only the owner of a claim to that very lock may replace it:
 * a claim is a link that only one process can make. A claimant may die as well; then its claim is claimed in turn.
 * @returns who holds the lock, or is about to; undefined when it is `own`
 */
function place(folder: string, own: string): Holder | undefined {
  const lock = join(folder, LOCK);
  for (;;) {
    if (linked(own, lock)) {
      rmSync(own);
      return undefined;
    }
    const stale = readHolder(lock);
    let last = stale;
    while (last.id !== undefined) {
      if (lives(last)) return last;
      const claim = join(folder, `${CLAIM}${last.id}`);
      if (linked(own, claim)) {
        try {
          // Else the lock has changed hands since it was read, and the claim means nothing.
          if (readHolder(lock).id !== stale.id) break;
          renameSync(own, lock);
          return undefined;
        } finally {
          rmSync(claim, { force: true });
        }
      }
      last = readHolder(claim);
    }
    // Something was removed meanwhile: look again.
  }
}

/** Gives a file a second name, unless that is taken. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** For the holder of the lock: removes what commands left that were killed while they tried to get it. */
function removeClaims(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(CLAIM)) continue;
    const owner = readHolder(join(folder, name));
    // One without a process may be just being written.
    if (owner.pid !== 0 && !lives(owner)) rmSync(join(folder, name), { force: true });
  }
}

function inUse(folder: string, { pid, host }: Pick<Holder, 'pid' | 'host'>): CryfoldError {
  return new CryfoldError('OUT_IN_USE', `another cryfold (process ${pid} on ${host}) works on this run, in ${folder}`, {
    context: { folder, pid },
    hint: `Wait for its end. If there is no such process, delete ${join(folder, LOCK)}.`,
  });
}

function readHolder(file: string): Holder {
  const text = readLock(file);
  const [pid = '', host = '', started = ''] = (text ?? '').trim().split(' ');
  const known = /^[1-9]\d{0,9}$/.test(pid) && host !== '';
  return {
    pid: known ? Number(pid) : 0,
    host: known ? host : hostname(),
    started: /^\d+$/.test(started) ? started : '',
    id: text === undefined ? undefined : sha256(text),
  };
}

/** The beginning of a lock file, or of one that tells more about its holder; empty for what is no regular file; undefined where nothing is. */
export function readLock(file: string): string | undefined {
  let at: number;
  try {
    at = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // A link (ELOOP), or a socket (ENXIO): nobody's lock.
    if (code === 'ELOOP' || code === 'ENXIO') return '';
    throw error;
  }
  try {
    if (!fstatSync(at).isFile()) return '';
    const bytes = Buffer.alloc(LONGEST);
    return bytes.toString('utf8', 0, readSync(at, bytes, 0, LONGEST, 0));
  } finally {
    closeSync(at);
  }
}

function lives({ pid, host, started }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === 0) return false;
  const now = startOf(pid);
  if (now === '') return false;
  // The number may have been given to another process since; in containers, the next command often has the same.
  if (started !== '' && now !== undefined) return now === started;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Clock ticks from the machine's start to the process's; empty of a zombie; undefined where that is not known. */
function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The name, in parentheses, may hold spaces: state is the first field after it, the start the twentieth.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return 'ZX'.includes(fields[0]) ? '' : fields[19];
  } catch {
    // It has ended, or belongs to a user whose processes are hidden.
    return undefined;
  }
}
