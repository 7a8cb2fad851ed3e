/** Caches the last value, because consecutive folds of a warm process nearly always share their inputs. */
export class LastValue<T> {
  #key: readonly unknown[] | undefined;
  #value: T | undefined;

  /** @param key the inputs from which the value is computed; two keys are equal if all of their members are equal */
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
