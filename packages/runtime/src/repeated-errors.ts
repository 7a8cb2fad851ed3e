import type { Logger } from './logger.js';

/** Milliseconds for which an error that was logged is only counted when it comes again. */
const INTERVAL_MS = 30_000;
/** Kinds of errors that are counted apart; further ones share a count, so that a flood of kinds is bounded as well. */
const KINDS = 100;

type Level = 'warn' | 'error';

interface Repeated {
  /** Times that it came since it was logged last */
  count: number;
  /** Logs the last one of them */
  tell: (repeated: number) => void;
}

/**
 * Logs errors that come again and again, such as each time that something is tried during an outage: the first at once,
 * then at most one of its kind every 30 s, with how often it came (`repeated`). A kind is a message with the error's code,
 * which is the first word of what Redis answers; of errors that are logged by their code alone, it is the code. What is wrong
 * with one artifact is another kind than what is wrong with the next.
 */
export class RepeatedErrors {
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #known = new Map<string, Repeated>();

  constructor(log: Logger, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** @param fields such as `err`, from whose code the kind follows, or else `code` */
  warn(fields: Record<string, unknown>, message: string): void {
    this.#add('warn', fields, message);
  }

  error(fields: Record<string, unknown>, message: string): void {
    this.#add('error', fields, message);
  }

  #add(level: Level, fields: Record<string, unknown>, message: string): void {
    const tell = (repeated: number) => this.#log[level](repeated > 0 ? { ...fields, repeated } : fields, message);
    let kind = `${level} ${kindOf(fields, message)}`;
    if (!this.#known.has(kind) && this.#known.size >= KINDS) kind = 'others';
    const known = this.#known.get(kind);
    if (known) {
      known.count++;
      known.tell = tell;
      return;
    }
    tell(0);
    this.#wait(kind, { count: 0, tell });
  }

  /** After the interval, logs what came meanwhile; a kind that stays away for an interval is forgotten. */
  #wait(kind: string, repeated: Repeated): void {
    this.#known.set(kind, repeated);
    setTimeout(() => {
      if (repeated.count === 0) return void this.#known.delete(kind);
      repeated.tell(repeated.count);
      repeated.count = 0;
      this.#wait(kind, repeated);
    }, this.#intervalMs).unref();
  }
}

/** Messages beside an error are ours; without one they may be the error's own, which may name a path or a port. */
function kindOf({ err, code }: Record<string, unknown>, message: string): string {
  if (!(err instanceof Error)) return typeof code === 'string' ? code : message;
  const { code: own, context } = err as { code?: unknown; context?: { artifact?: unknown } };
  const known = typeof own === 'string' ? own : (/^[A-Z]{2,}(?=\s)/.exec(err.message)?.[0] ?? err.name);
  return `${message} ${known} ${context?.artifact ?? ''}`;
}
