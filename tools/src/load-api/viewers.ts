import http from 'node:http';

/** Viewers of the live page. Each of them keeps an event stream open, and reads and discards its events. */
export class Viewers {
  readonly #url: string;
  readonly #requests: http.ClientRequest[] = [];
  /** Bytes that all viewers have read since this was last set to 0 */
  heard = 0;

  /** @param url URL of the API */
  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Opens `count` streams, half of them for all runs and half for one run. Resolves once each has received its first
   * event.
   */
  async enter(count: number, run: string): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, i) => this.#view(i % 2 ? '' : `?run=${run}`)));
  }

  leave(): void {
    for (const request of this.#requests.splice(0)) request.on('error', () => {}).destroy();
  }

  #view(query: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = http.get(`${this.#url}/api/v1/events${query}`, { agent: false }, (response) => {
        response.on('data', (bytes: Buffer) => {
          this.heard += bytes.length;
          if (bytes.includes('event: ')) resolve();
        });
        response.on('error', () => {});
      });
      request.on('error', reject);
      this.#requests.push(request);
    });
  }
}
