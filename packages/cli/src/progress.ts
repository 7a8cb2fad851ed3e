import type { RunProgress } from '@cryfold/coordinator';
import { counted, printable } from '@cryfold/core';
import { METRICS, type MetricName } from '@cryfold/evaluation';
import { metricText } from '@cryfold/report';
import { formatSeconds } from './format.js';
import { messageText, safe } from './terminal.js';

/** Milliseconds between lines if the output is not a terminal, such as a log file. */
const LINE_EVERY_MS = 5000;
/** Maximum number of lines that a step such as `reading 12/60 files` prints if the output is not a terminal. */
const PARTS = 10;

/** One line with the progress of a run and the time left. */
export function progressLine(progress: RunProgress): string {
  const { total, done, failed, active, etaSeconds, phase } = progress;
  if (phase === 'aggregate') return `${done}/${total} folds · aggregating results`;
  const parts = [`${done}/${total} folds`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (progress.search) parts.push(searchText(progress.search));
  else for (const [name, trial] of Object.entries(progress.trials)) parts.push(`${name} ${trial.done}/${trial.total}`);
  parts.push(`${active.length} running`);
  parts.push(etaSeconds === null ? 'time left unknown' : `about ${formatSeconds(etaSeconds)} left`);
  return parts.join(' · ');
}

function searchText({ states, metric, best }: NonNullable<RunProgress['search']>): string {
  const counts = Object.entries(states).flatMap(([state, count]) =>
    count > 0 ? `${count} ${state.toLowerCase()}` : [],
  );
  const trials = `trials: ${counts.join(', ') || 'none yet'}`;
  if (!best) return trials;
  const epochs = best.epochs ? `, ${best.epochs.trained} epochs` : '';
  return `${trials} · best ${best.trial}, ${figureText(best.mean, metric)} (${counted(best.folds, 'fold')}${epochs})`;
}

/** Formats a figure, such as `balanced accuracy 48.55 %`. */
function figureText(mean: number, metric: MetricName | undefined): string {
  if (metric === undefined) return mean.toFixed(4);
  const { title, share } = METRICS[metric];
  return `${title} ${metricText(metric, mean)}${share ? ' %' : ''}`;
}

/**
 * Identifies what a line reports: the words before its first `done/total`, and which tenth of the step has been
 * reached.
 */
function partOf(text: string): string {
  const [, step, done, total] = /^(.*?)(\d+)\/(\d+)/.exec(text) ?? [];
  return step === undefined ? text : `${step}${Math.floor((PARTS * Number(done)) / Math.max(1, Number(total)))}`;
}

/**
 * Shows progress on a stream: on a terminal, rewrites one line; otherwise, prints at most one line per tenth of a step.
 */
export class ProgressDisplay {
  readonly #stream: NodeJS.WriteStream;
  readonly #quiet: boolean;
  #shown = '';
  #lastLine = 0;
  #lastPart = '';

  constructor(stream: NodeJS.WriteStream, quiet: boolean) {
    this.#stream = stream;
    this.#quiet = quiet;
  }

  /** Prints a line that stays on the screen, unless the command is quiet. */
  say(text: string): void {
    if (!this.#quiet) this.always(text);
  }

  /** Prints a line even if the command is quiet. */
  always(text: string): void {
    this.clear();
    this.#stream.write(safe(messageText(text)));
  }

  update(text: string): void {
    if (this.#quiet || text === this.#shown) return;
    if (this.#stream.isTTY) {
      const width = (this.#stream.columns ?? 80) - 1;
      this.#stream.write(`\r\u001b[K${printable(text).slice(0, width)}`);
      this.#shown = text;
      return;
    }
    const part = partOf(text);
    if (part === this.#lastPart || Date.now() - this.#lastLine < LINE_EVERY_MS) return;
    this.#stream.write(`${printable(text)}\n`);
    this.#lastLine = Date.now();
    this.#lastPart = part;
    this.#shown = text;
  }

  /** Removes the rewritten line. */
  clear(): void {
    if (this.#stream.isTTY && this.#shown !== '') this.#stream.write('\r\u001b[K');
    this.#shown = '';
  }
}
