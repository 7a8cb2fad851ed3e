import type { Session } from '@cryfold/run-control';
import type { Refusal } from './api.js';

export interface View {
  root: HTMLElement;
  session: Session;
  /** Told whether events are heard. */
  connected: (is: boolean) => void;
  /** Told why the server refuses to tell events. */
  refused: (why: Refusal) => void;
  /** Told once what was asked for is shown. */
  ready: () => void;
}
