import type { Session } from '@cryfold/run-control';
import type { Refusal } from './api.js';

export interface View {
  root: HTMLElement;
  session: Session;
  /** Called when the connection is established or lost. */
  connected: (is: boolean) => void;
  /** Called when the server refuses to send events. */
  refused: (why: Refusal) => void;
  /** Called once the content is shown. */
  ready: () => void;
}
