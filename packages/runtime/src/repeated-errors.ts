import type { Logger } from './logger.js';

/** After an error was logged, its repetitions are only counted for this many milliseconds. */
const INTERVAL_MS = 30_000;
/**
 * Maximum number of error kinds that are counted separately. All other kinds share a single count, so that memory use
 * is bounded.
 */
const KINDS = 100;

type Level = 'warn' | 'error';

interface Repeated {
  /** Number of occurrences since the error was last logged */
  count: number;
  /** Logs the latest occurrence */
  tell: (repeated: number) => void;
}

/**
 * Logs repeated errors, such as those of every retry during an outage. The first one is logged immediately; after that,
 * each kind is logged at most every 30 s with the number of occurrences (`repeated`). The kind of an error is
 * determined by its code and message, by the first word of a Redis reply, or, for errors logged by code, by the code
 * alone. The same problem with two artifacts counts as two kinds.
 */
export class RepeatedErrors {
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #known = new Map<string, Repeated>();

  constructor(log: Logger, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** @param fields `err`, whose code and message define the kind, or `code` */
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

  /** At the end of each interval, logs the errors that occurred during it. A kind without occurrences is forgotten. */
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

/**
 * The messages of log lines with an error are fixed texts, whereas those of lines without an error may contain a path
 * or port.
 */
function kindOf({ err, code }: Record<string, unknown>, message: string): string {
  if (!(err instanceof Error)) return typeof code === 'string' ? code : message;
  const { code: own, context } = err as { code?: unknown; context?: { artifact?: unknown } };
  const known = typeof own === 'string' ? own : (/^[A-Z]{2,}(?=\s)/.exec(err.message)?.[0] ?? err.name);
  return `${message} ${known} ${context?.artifact ?? ''}`;
}
