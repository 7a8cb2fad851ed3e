import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findBrowser, launchBrowser, NO_BROWSER } from '@cryfold/integration-tests/browser';
import { temporaryFolder } from '@cryfold/integration-tests/command';
import type { Browser } from 'playwright-core';

const DEMO = fileURLToPath(new URL('../src/report-demo.js', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let browser: Browser | undefined;

const demo = (out: string, ...flags: string[]) =>
  execFileSync(process.execPath, [DEMO, '--out', join(folder.path, out), ...flags], { encoding: 'utf8' });

before(async () => {
  folder = await temporaryFolder();
  const executablePath = await findBrowser();
  if (!executablePath) return;
  browser = await launchBrowser(executablePath);
});
after(async () => {
  await browser?.close();
  await folder.remove();
});

const views = [
  { name: 'desktop, light', viewport: { width: 1100, height: 900 }, colorScheme: 'light' as const },
  { name: 'desktop, dark', viewport: { width: 1100, height: 900 }, colorScheme: 'dark' as const },
  { name: 'phone, dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const },
];

for (const [what, flags] of [
  ['good models', []],
  ['guessing models, missing folds and class names that are markup', ['--null', '--hostile', '--holes', '2']],
] as const) {
  test(`in Chromium: ${what}`, async (t) => {
    if (!browser) return t.skip(NO_BROWSER);
    demo('page.html', ...flags);
    for (const { name, ...options } of views) {
      // The page's own policy would block axe, which is a script.
      const context = await browser.newContext({ ...options, bypassCSP: true });
      const page = await context.newPage();
      const seen: string[] = [];
      page.on('console', (message) => seen.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => seen.push(`error: ${error.message}`));
      page.on('dialog', (dialog) => seen.push(`dialog: ${dialog.message()}`));
      page.on('request', (request) => {
        if (!request.url().startsWith('data:') && !request.isNavigationRequest())
          seen.push(`request: ${request.url()}`);
      });
      await page.goto(pathToFileURL(join(folder.path, 'page.html')).href);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, `${name} is too wide`);
      const cut = await page.evaluate('[...document.images].filter((image) => !image.naturalWidth).length');
      assert.equal(cut, 0, `${name} has broken images`);
      await page.evaluate(AXE);
      const violations = await page.evaluate(
        'axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html.slice(0, 200)))',
      );
      assert.deepEqual(violations, [], name);
      // Every section can be reached with the keyboard alone.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      // Wait for the new address, because the browser only follows a link after it has handled the key.
      await page.waitForURL(/#table-two$/);
      assert.deepEqual(seen, [], name);
      await context.close();
    }
  });
}

test('the report works under its own content security policy, which blocks scripts', async (t) => {
  if (!browser) return t.skip(NO_BROWSER);
  demo('page.html');
  const page = await browser.newPage();
  const seen: string[] = [];
  page.on('console', (message) => seen.push(message.text()));
  await page.goto(pathToFileURL(join(folder.path, 'page.html')).href);
  assert.deepEqual(seen, []);
  await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=document.title=1>')");
  assert.notEqual(await page.title(), '1');
  assert.match(seen.join(), /Content Security Policy/);
  await page.close();
});

test('aggregates and reports 10 x 5 folds of four models on 2,268 clips within 10 s and 500 MB', () => {
  const text = demo('large.html', '--clips', '2268', '--repeats', '10');
  const [, aggregated, reported, memory] = /aggregated in (\S+) s, reported in (\S+) s, peak (\d+) MB/.exec(text) ?? [];
  assert.ok(Number(aggregated) + Number(reported) < 10, text);
  assert.ok(Number(memory) < 500, text);
});
