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
/** Prefix of two kinds of files: claims to replace a stale lock, and locks that are not in place yet. */
const CLAIM = '.lock-';
/** Maximum number of bytes to read from a lock file. Lock files written by cryfold are shorter. */
const LONGEST = 512;

interface Holder {
  pid: number;
  host: string;
  /** When the process started (see `startOf`); empty if unknown */
  started: string;
  /**
   * Derived from the content of the lock file, which is different for each lock; undefined if the file does not exist
   */
  id: string | undefined;
}

/**
 * Prevents two local clusters from using the same folder. Without the lock, nothing would be lost, since each fold is
 * committed only once, but both clusters would train all folds and mix their logs and results. If the process that
 * holds the lock died on this machine, exactly one of the competing commands takes it over. Locks that belong to other
 * machines are always respected.
 * @param folder existing folder on a file system with hard links
 * @returns a function that releases the lock
 * @throws CryfoldError OUT_IN_USE; OUT_UNWRITABLE if the lock cannot be created
 */
export function lockFolder(folder: string): () => void {
  const own = join(folder, `${CLAIM}${randomBytes(12).toString('hex')}`);
  const text = `${process.pid} ${hostname()} ${startOf(process.pid) || '-'} ${randomBytes(12).toString('hex')}\n`;
  try {
    // Writes the complete file before linking it, so that no lock is ever half-written, even if the command is killed.
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
      hint: 'Choose a writable folder on a file system with hard links.',
    });
  }
  const file = join(folder, LOCK);
  return () => {
    if (readHolder(file).id === sha256(text)) rmSync(file, { force: true });
  };
}

/** The process that holds the lock of a folder. */
export interface LockHolder {
  pid: number;
  host: string;
  /** Unique for each lock */
  id: string;
}

/** Returns the process that holds the lock of a folder, if any. A process on another machine always counts as alive. */
export function lockHolder(folder: string): LockHolder | undefined {
  const holder = readHolder(join(folder, LOCK));
  return holder.id !== undefined && lives(holder) ? { ...holder, id: holder.id } : undefined;
}

/**
 * Makes the file `own` the lock. A stale lock may only be replaced by the owner of a claim to that particular lock. A
 * claim is a link that only one process can create. If the owner of a claim dies, another process can in turn claim the
 * right to replace that claim.
 * @returns the current or imminent holder of the lock; undefined if it is `own`
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
          // If the ids differ, the lock has changed since it was read, and the claim is void.
          if (readHolder(lock).id !== stale.id) break;
          renameSync(own, lock);
          return undefined;
        } finally {
          rmSync(claim, { force: true });
        }
      }
      last = readHolder(claim);
    }
    // A file was removed in the meantime, so try again.
  }
}

/** Creates a hard link, unless the target already exists. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes files that commands left behind when they were killed while acquiring the lock. Only the holder of the lock
 * may call this.
 */
function removeClaims(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(CLAIM)) continue;
    const owner = readHolder(join(folder, name));
    // A claim that does not contain a process id may not have been fully written yet.
    if (owner.pid !== 0 && !lives(owner)) rmSync(join(folder, name), { force: true });
  }
}

function inUse(folder: string, { pid, host }: Pick<Holder, 'pid' | 'host'>): CryfoldError {
  return new CryfoldError(
    'OUT_IN_USE',
    `another cryfold (process ${pid} on ${host}) is executing this run in ${folder}`,
    {
      context: { folder, pid },
      hint: `Wait until this process exits. If it no longer exists, delete ${join(folder, LOCK)}.`,
    },
  );
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

/** The beginning of a lock file or announcement. Empty if it is not a regular file; undefined if it does not exist. */
export function readLock(file: string): string | undefined {
  let at: number;
  try {
    at = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // A link (ELOOP) or socket (ENXIO) is not a lock.
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
  // The process id may have been reused. In containers, the next command often gets the same one.
  if (started !== '' && now !== undefined) return now === started;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Returns when a process started, in clock ticks since boot; empty for a zombie; undefined if unknown. */
function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // The name, in parentheses, may contain spaces. The state is the first field after it, and the start time the
    // twentieth.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return 'ZX'.includes(fields[0]) ? '' : fields[19];
  } catch {
    // The process has exited, or belongs to a user whose processes are hidden.
    return undefined;
  }
}
