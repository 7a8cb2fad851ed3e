/** Keeps the last value and its inputs: the folds that a warm process trains nearly always share their inputs. */
export class LastValue<T> {
  #key: readonly unknown[] | undefined;
  #value: T | undefined;

  /** @param key equal, member by member, for equal values */
  async get(key: unknown, load: () => Promise<T>): Promise<T> {
    const parts = Array.isArray(key) ? key : [key];
    if (!this.#key || this.#key.length !== parts.length || parts.some((part, i) => part !== this.#key?.[i])) {
      this.#key = undefined;
      this.#value = undefined;
      this.#value = await load();
      this.#key = parts;
    }
    return this.#value as T;
  }
}
