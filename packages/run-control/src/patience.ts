import { CryfoldError } from '@cryfold/core';

/** Milliseconds for which a server that has responded before may be unreachable, for example during a restart. */
const PATIENCE_MS = 120_000;

/** Tolerates temporary outages of a server while a client polls it for the outcome of some work. */
export class Patience {
  #lastAnswer = 0;

  /** @param hint what to tell the user if an outage lasts too long, since the work continues on the server */
  constructor(private readonly hint: string) {}

  /**
   * @returns undefined while the server is unreachable
   * @throws CryfoldError SERVER_UNREACHABLE if the server has never responded, or has been unreachable for too long;
   * also any error that `question` throws
   */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await question();
      this.#lastAnswer = Date.now();
      return answer;
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'SERVER_UNREACHABLE' || this.#lastAnswer === 0)
        throw error;
      if (Date.now() - this.#lastAnswer < PATIENCE_MS) return undefined;
      const { message, context, cause, hint } = error;
      throw new CryfoldError('SERVER_UNREACHABLE', message, { context, cause, hint: `${this.hint} ${hint}` });
    }
  }
}
