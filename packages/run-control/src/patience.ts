import { CryfoldError } from '@cryfold/core';

/** Milliseconds for which a server that answered before may be away, as while it is started anew. */
const PATIENCE_MS = 120_000;

/** Asks a server again and again what goes on without whoever asks, and bears with it while it is away. */
export class Patience {
  #heard = 0;

  /** @param goesOn what to tell when it stays away, since the work does not end with it */
  constructor(private readonly goesOn: string) {}

  /**
   * @returns undefined while the server is away
   * @throws CryfoldError what `question` throws; SERVER_UNREACHABLE where it never answered, or not for too long
   */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await question();
      this.#heard = Date.now();
      return answer;
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'SERVER_UNREACHABLE' || this.#heard === 0) throw error;
      if (Date.now() - this.#heard < PATIENCE_MS) return undefined;
      const { message, context, cause, hint } = error;
      throw new CryfoldError('SERVER_UNREACHABLE', message, { context, cause, hint: `${this.goesOn} ${hint}` });
    }
  }
}
