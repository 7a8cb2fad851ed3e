import type { Feed } from './feed.js';

export interface Watched {
  feed: Feed;
  /** Looks, and publishes what has changed. */
  look(): Promise<void>;
}
