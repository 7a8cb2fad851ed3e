import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryfoldError } from '@cryfold/core';
import { Access, isLoopback, refuseOtherSites } from '../src/access.js';

const tokens = [
  { role: 'read' as const, token: 'read-read-read-read' },
  { role: 'operate' as const, token: 'operate-operate-operate' },
];
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const cookieOf = (set: string) => ({ headers: { cookie: set.split(';')[0] } });
const forbidden = (error: unknown) => error instanceof CryfoldError && error.code === 'API_FORBIDDEN';

test('identifies a role by its token, and never shows the token itself', () => {
  const access = new Access(tokens);
  assert.equal(access.of(bearer('operate-operate-operate'))?.role, 'operate');
  assert.equal(access.of(bearer('read-read-read-read'))?.role, 'read');
  assert.equal(access.of(bearer('read-read-read-rea')), undefined);
  assert.equal(access.of({ headers: {} }), undefined);
  assert.doesNotMatch(JSON.stringify(access.of(bearer('read-read-read-read'))), /read-read/);
});

test('without tokens, lets every client do everything, and recognises loopback addresses', () => {
  assert.equal(new Access([]).of({ headers: {} })?.role, 'operate');
  for (const host of ['localhost', '::1', '127.8.9.1']) assert.ok(isLoopback(host), host);
  for (const host of ['127.0.0.1.example.org', '10.0.0.1', '']) assert.ok(!isLoopback(host), host);
});

test('opens sessions that have the role of their token, expire and cannot be forged', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
  const access = new Access(tokens);
  assert.equal(access.login('wrong', true), undefined);
  const { cookie } = access.login('read-read-read-read', true) ?? assert.fail();
  assert.match(cookie, /HttpOnly; SameSite=Strict; Secure$/);
  assert.equal(access.of(cookieOf(cookie))?.role, 'read');
  const forged = cookie.replace(/=(\d+)\./, (_all, expires) => `=${Number(expires) + 1}.`);
  assert.equal(access.of(cookieOf(forged)), undefined);
  assert.equal(access.shown(cookieOf(forged)), 'cookie');
  const other = new Access([{ role: 'read', token: 'another-token-here' }]);
  assert.equal(other.of(cookieOf(cookie)), undefined, 'a server with other tokens rejects it');
  t.mock.timers.tick(12 * 3600_000 + 1000);
  assert.equal(access.of(cookieOf(cookie)), undefined);
  assert.equal(access.shown(cookieOf(cookie)), undefined, 'an expired session does not count as a wrong token');
});

test('rejects changes from other sites, and, without tokens, requests to other host names', () => {
  const host = '127.0.0.1:8080';
  const ask = (method: string, headers: Record<string, string>, open = true) =>
    refuseOtherSites({ method, headers: { host, ...headers } }, open);
  ask('POST', { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' });
  ask('GET', { origin: 'http://evil.example' });
  assert.throws(() => ask('POST', { origin: 'http://evil.example' }), forbidden);
  assert.throws(() => ask('DELETE', { 'sec-fetch-site': 'cross-site' }), forbidden);
  assert.throws(() => ask('GET', { host: 'rebound.example' }), forbidden);
  ask('GET', { host: 'cluster.example' }, false);
});

test('ends the sessions of replaced tokens, and never opens the API because the list of tokens is empty', () => {
  const access = new Access(tokens);
  const { cookie } = access.login('read-read-read-read', true) ?? assert.fail();
  const [gone] = access.replace([{ role: 'read', token: 'another-token-here' }, tokens[1]]);
  assert.equal(gone.length, 12, 'the hash that identifies it');
  assert.equal(access.of(bearer('read-read-read-read')), undefined);
  assert.equal(access.of(cookieOf(cookie)), undefined);
  assert.equal(access.of(bearer('another-token-here'))?.role, 'read');
  assert.equal(access.of(bearer('operate-operate-operate'))?.role, 'operate');
  assert.throws(() => access.replace([]));
  assert.equal(access.open, false);
});
