/**
 * Buffers the samples of a recording as they arrive, and returns consecutive parts of it. Keeps only samples that are
 * still needed.
 */
export class SampleBuffer {
  readonly #blocks: AsyncIterator<Float64Array>;
  #held: Float64Array[] = [];
  /** Positions of the first kept sample, and of the end of the kept samples */
  #start = 0;
  #end = 0;

  constructor(blocks: AsyncIterable<Float64Array>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  /**
   * Number of samples received so far. Once a part has been shorter than requested, this number is the length of the
   * recording.
   */
  get total(): number {
    return this.#end;
  }

  /**
   * Returns `length` samples starting at `start`, or fewer if the recording ends earlier. Samples before `start` are
   * discarded, so the next part must not start earlier.
   */
  async part(start: number, length: number): Promise<Float64Array> {
    this.#dropBefore(start);
    while (this.#end < start + length) {
      const { done, value } = await this.#blocks.next();
      if (done) break;
      this.#held.push(value);
      this.#end += value.length;
      this.#dropBefore(start);
    }
    if (this.#held.length > 1) this.#held = [joined(this.#held, this.#end - this.#start)];
    const [held] = this.#held;
    return held ? held.subarray(start - this.#start, start - this.#start + length) : new Float64Array();
  }

  #dropBefore(start: number): void {
    while (this.#held.length > 0) {
      const [first] = this.#held;
      const gone = Math.min(first.length, start - this.#start);
      if (gone <= 0 && first.length > 0) return;
      this.#start += gone;
      if (gone < first.length) {
        this.#held[0] = first.subarray(gone);
        return;
      }
      this.#held.shift();
    }
  }
}

function joined(parts: readonly Float64Array[], length: number): Float64Array {
  const all = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
