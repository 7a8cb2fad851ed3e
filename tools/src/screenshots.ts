// Creates the pictures in README.md from a real run of specs/demo.yaml on a synthetic corpus, as in scripts/demo. Also
// prints Table II of that run for README.md. Takes several minutes, since it trains models.
//
// usage: tools/screenshots [--out FOLDER]     default: docs/images
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { findBrowser, launchBrowser, NO_BROWSER } from '@cryfold/integration-tests/browser';
import { type Command, start, until, untilReady } from '@cryfold/integration-tests/command';
import type { Browser } from 'playwright-core';
import { ROOT } from './paths.js';

/** README.md is opened often, so its pictures must be small. */
const MOST_BYTES = 300_000;
/** Seconds within which a training run must finish, even on a busy machine. */
const PATIENCE_SECONDS = 3600;

const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'docs', 'images') } } });
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'cryfold-screenshots-'));

/** Takes a picture of a page once the expression `ready` is true on that page. */
async function take(
  browser: Browser,
  { url, file, ready, size }: { url: string; file: string; ready: string; size: [number, number] },
): Promise<void> {
  const [width, height] = size;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' });
  await page.goto(url);
  // The condition is polled like this, because the live page's Content Security Policy does not allow waitForFunction.
  await until(file, () => page.evaluate<boolean>(ready), PATIENCE_SECONDS);
  const path = join(out, file);
  await page.screenshot({ path });
  await page.close();
  const { size: bytes } = statSync(path);
  console.error(`${path}: ${bytes} bytes`);
  if (bytes > MOST_BYTES) throw new Error(`${file} has more than ${MOST_BYTES} bytes`);
}

async function ended(command: Command): Promise<string> {
  const { code, stdout, stderr } = await command.ended;
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return stdout;
}

/** True on the page when at least half of the folds are done and one is training. */
const HALF_DONE = `document.querySelector('main progress')?.value >= 0.5
  && document.querySelector('main .trial .cell[data-state="1"]') !== null`;

const executablePath = await findBrowser();
if (!executablePath) throw new Error(NO_BROWSER);
const browser = await launchBrowser(executablePath);
let run: Command | undefined;
try {
  await ended(start(['data', 'synth', join(folder, 'cryfold-demo'), '--clips', '300']));
  const store = ['--store', join(folder, 'cryfold')];
  const spec = join(ROOT, 'specs', 'demo.yaml');
  const running = start(['run', spec, '--data', join(folder, 'cryfold-demo'), ...store, '--ui']);
  run = running;
  const link = await until('the link', () => /live page: (http:\S+)/.exec(running.stderr())?.[1], PATIENCE_SECONDS);
  await untilReady(new URL(link).origin);
  await take(browser, { url: link, file: 'live-page.png', ready: HALF_DONE, size: [1100, 640] });
  const table = await ended(running);
  const [, id] = /#\/runs\/([^?]+)/.exec(link) ?? [];
  const report = pathToFileURL(join(folder, 'cryfold', 'runs', id, 'report.html')).href;
  await take(browser, {
    url: report,
    file: 'report.png',
    ready: 'document.readyState === "complete"',
    size: [1100, 1000],
  });
  process.stdout.write(table);
} finally {
  run?.process.kill('SIGINT');
  await run?.ended;
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
