import type { Feed } from './feed.js';

export interface Watched {
  feed: Feed;
  /** Refreshes the state, and publishes changes. */
  refresh(): Promise<void>;
}
