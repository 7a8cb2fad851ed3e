import { misnamed } from './audio/registry.js';
import type { CutRecording } from './cut-recording.js';
import { describeUnread, type Unread } from './unread.js';

/** Maximum number of files that a note lists. */
const NAMED = 3;

/** Collects notes for the user on how a dataset was read, one line per kind. */
export class Notes {
  readonly #misnamed: string[] = [];
  readonly #loud: string[] = [];
  #peak = 0;

  add(file: string, { properties: { format }, peak }: Pick<CutRecording, 'properties' | 'peak'>): void {
    const other = misnamed(file, format);
    if (other) this.#misnamed.push(`${file} is ${other.format}`);
    // The most negative integer sample is exactly at full scale, so it is not too loud.
    if (peak <= 1) return;
    this.#loud.push(file);
    this.#peak = Math.max(this.#peak, peak);
  }

  list(unread: readonly Unread[]): string[] {
    const notes: string[] = [];
    if (unread.length > 0) notes.push(`not read: ${describeUnread(unread)}`);
    if (this.#misnamed.length > 0) {
      notes.push(`${count(this.#misnamed)} read by content, not by extension: ${first(this.#misnamed)}`);
    }
    if (this.#loud.length > 0) {
      const peak = this.#peak.toPrecision(3);
      notes.push(
        `${count(this.#loud)} louder than full scale, up to ${peak} (spectrograms clip at 1): ${first(this.#loud)}`,
      );
    }
    return notes;
  }
}

const count = ({ length }: readonly string[]) => `${length} ${length === 1 ? 'recording' : 'recordings'}`;
const first = (names: readonly string[]) => `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ', ...' : ''}`;
