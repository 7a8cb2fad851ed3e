import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.js';
import { cryfold, temporaryFolder, until } from './command.js';
import { type Served, serveModel } from './served-model.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [OLD, NEW] = ['old-token-old-token', 'new-token-new-token'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(folder.path, name);

before(async () => {
  folder = await temporaryFolder();
  await mkdir(path('model'));
  await writeModel(path('model'), ['low', 'high']);
  await writeFile(path('low.wav'), encodeWav(tone(2, 0), RATE));
});
after(() => folder.remove());

/** Replaces the token file atomically, like Kubernetes. */
async function replace(text: string): Promise<void> {
  await writeFile(path('next'), text);
  await rename(path('next'), path('tokens'));
}

async function serve(t: TestContext): Promise<Served> {
  const served = await serveModel(path('model'), [], { CRYFOLD_SERVE_TOKENS_FILE: path('tokens') });
  t.after(async () => {
    served.process.kill('SIGTERM');
    await served.ended;
  });
  return served;
}

test('serve reloads a replaced token file without a restart, and keeps its tokens if it is unreadable', async (t) => {
  await replace('');
  const refused = await cryfold(['serve', '--model', path('model'), '--port', '0'], {
    CRYFOLD_SERVE_TOKENS_FILE: path('tokens'),
  });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /CRYFOLD_SERVE_TOKENS_FILE: \S+ contains no token/);

  await replace(`read:${OLD}\n`);
  const served = await serve(t);
  const statuses = async () => {
    const ask = (token: string) =>
      fetch(`${served.url}/api/v1/model`, { headers: { authorization: `Bearer ${token}` } });
    return (await Promise.all([OLD, NEW].map(ask))).map(({ status }) => status).join();
  };
  assert.equal(await statuses(), '200,401');
  await replace('');
  await until('the empty file to be read', () => served.stdout().includes('tokens cannot be reloaded'));
  assert.equal(await statuses(), '200,401');
  await replace(`read:${NEW}\n`);
  await until('the new tokens', () => served.stdout().includes('tokens changed'));
  assert.equal(await statuses(), '401,200');
  for (const token of [OLD, NEW]) assert.ok(!(served.stdout() + served.stderr()).includes(token), 'a printed token');
});

test('asks for the token on the first visit to the page, and when it is no longer valid', async (t) => {
  const executablePath = await findBrowser();
  if (!executablePath) return t.skip(NO_BROWSER);
  await replace(`read:${OLD}\n`);
  const served = await serve(t);
  const browser = await launchBrowser(executablePath);
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(served.url);
  const login = page.locator('#login');
  await login.waitFor();
  assert.equal(await page.locator('#give').isVisible(), false);
  await page.evaluate(AXE);
  assert.deepEqual(await page.evaluate('axe.run().then(({ violations }) => violations)'), []);
  const logIn = async (token: string) => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
  };
  await logIn('another-token-here');
  await page.getByText('The service does not accept this token.').waitFor();
  await logIn(OLD);
  await page.locator('#give').waitFor();
  assert.equal(await login.isVisible(), false);
  const classify = () => page.locator('#file').setInputFiles(path('low.wav'));
  await classify();
  await page.getByRole('heading', { name: /^low, / }).waitFor();
  await replace(`read:${NEW}\n`);
  await until('the new tokens', () => served.stdout().includes('tokens changed'));
  await classify();
  await login.waitFor();
  assert.equal(await page.locator('#result').isVisible(), false);
  await logIn(NEW);
  await page.locator('#give').waitFor();
});
