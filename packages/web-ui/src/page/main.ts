import type { Session } from '@cryfold/run-control';
import { ask, Refusal } from './api.js';
import { h, say, showError } from './dom.js';
import { runView } from './run-view.js';
import { runsView } from './runs-view.js';
import type { View } from './view.js';

/** Matches an address followed by the token that `cryfold run --ui` has added. */
const LINK = /^(#.*)\?token=([\w-]+)$/;

const root = document.getElementById('content')!;
const connection = document.getElementById('connection')!;
const menu = document.getElementById('session')!;
let session: Session = { role: null, open: false };
let leave = () => {};

/** Shows the page at the current address: `#/` lists all runs, `#/runs/RUN` shows one. */
function show(): void {
  leave();
  leave = () => {};
  root.removeAttribute('data-ready');
  if (session.role === null) {
    login();
    return;
  }
  const view: View = {
    root,
    session,
    connected: (is) => say(connection, is ? 'live' : 'connection lost; reconnecting'),
    refused: (why) => {
      // The session has ended.
      if (why.code === 'API_UNAUTHORIZED') void start().catch(() => {});
      else if (why.lasting) refuse(why);
    },
    ready: () => root.setAttribute('data-ready', ''),
  };
  const run = /^#\/runs\/([^/]+)$/.exec(location.hash)?.[1];
  document.title = run === undefined ? 'cryfold' : `${decodeURIComponent(run)} · cryfold`;
  leave = run === undefined ? runsView(view) : runView(view, decodeURIComponent(run));
}

/** Shows an error instead of the page's content. */
function refuse(why: Refusal): void {
  leave();
  leave = () => {};
  say(connection, '');
  root.replaceChildren(
    h('h1', {}, 'Nothing to show'),
    showError(h('p', { class: 'problem', role: 'alert' }), why),
    h('p', {}, h('a', { href: '#/' }, 'All runs')),
  );
  root.setAttribute('data-ready', '');
}

function login(): void {
  say(connection, '');
  const token = h('input', { type: 'password', autocomplete: 'current-password', required: true, id: 'token' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await ask('/session', 'POST', { token: token.value });
      await start();
    } catch (error) {
      const unknown = error instanceof Refusal && error.code === 'API_UNAUTHORIZED';
      showError(problem, unknown ? { message: 'The server does not accept this token.' } : (error as Error));
      token.select();
    }
  };
  root.replaceChildren(
    h('h1', {}, 'Log in'),
    h(
      'form',
      { onsubmit: submit },
      h('label', { for: 'token' }, 'Access token'),
      token,
      h('button', {}, 'Log in'),
      problem,
    ),
  );
  root.setAttribute('data-ready', '');
  token.focus();
}

/** Exchanges the token of a link for a session, and removes it from the address and from the history of this tab. */
async function useLink(): Promise<void> {
  const [, address, token] = LINK.exec(location.hash) ?? [];
  if (token === undefined) return;
  history.replaceState(null, '', address);
  // An expired token leads to the login form.
  await ask('/session', 'POST', { token }).catch(() => {});
}

async function start(): Promise<void> {
  await useLink();
  session = await ask<Session>('/session');
  const logout = async () => {
    await ask('/session', 'DELETE');
    await start();
  };
  menu.replaceChildren();
  if (session.role !== null) menu.append(h('a', { href: '/queues/' }, 'Queues'), ' ');
  if (session.role !== null && !session.open) menu.append(h('button', { type: 'button', onclick: logout }, 'Log out'));
  show();
}

// The skip link must not change the address, because the address determines which view is shown.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  root.focus();
});
addEventListener('hashchange', () => {
  if (LINK.test(location.hash)) void start().catch(() => {});
  else show();
  scrollTo(0, 0);
});
start().catch((error) => root.replaceChildren(showError(h('p', { class: 'problem' }), error)));
