import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync } from 'node:zlib';
import { synthesizeCorpus } from '@cryfold/corpus';
import { openStore } from '@cryfold/store';
import { freePort, TcpProxy } from '@cryfold/testing';
import { dashboardAssets } from '@cryfold/web-ui';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.js';
import { Cluster, findRedis } from './cluster.js';
import { cryfold, start, TINY_SPEC, temporaryFolder, until, untilReady } from './command.js';
import { writeRandomRun } from './random-run.js';
import { OPERATE, READ } from './start-service.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WRONG = 'wrong-wrong-wrong-wrong';
/** A dataset name that would run a script if it were ever inserted as markup. */
const HOSTILE = '<img src=x onerror=alert(1)>';

const redis = await findRedis();
const executablePath = await findBrowser();
const skip =
  (redis === undefined && 'neither redis-server nor valkey-server is on PATH or in the cache') ||
  (executablePath === undefined && NO_BROWSER);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: Cluster;
let browser: Browser;
let url: string;
let environment: Record<string, string>;
const path = (name: string) => join(folder.path, name);
const seen: string[] = [];

before(async () => {
  if (skip || !redis) return;
  folder = await temporaryFolder();
  cluster = await Cluster.start(folder.path, redis);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  environment = {
    REDIS_URL: `redis://127.0.0.1:${cluster.redisPort}`,
    CRYFOLD_STORE: `file:${path('store')}`,
    CRYFOLD_GRACE_SECONDS: '0',
  };
  cluster.run(
    { ...environment, CRYFOLD_API_TOKENS: `read:${READ},operate:${OPERATE}` },
    {
      coordinator: ['coordinator', '--api-port', String(port)],
      aggregator: ['aggregator'],
      worker: ['worker', '--children', '1'],
    },
  );
  await writeFile(
    path('tiny.yaml'),
    // Folds of a few seconds each, one after another, so that the run is still active while the test checks the page
    TINY_SPEC.replace('epochs: 2', 'epochs: 800')
      .replace('  svm:', '  weak: { kind: svm, C: 1 }\n  svm:')
      .replace('members: [tl-resnet50, svm]', 'members: [small-cnn, svm]'),
  );
  await synthesizeCorpus(path(HOSTILE), { clips: 60, seed: 1 });
  if (executablePath) browser = await launchBrowser(executablePath);
  await untilReady(url);
});
after(async () => {
  await browser?.close();
  await cluster?.stop();
  await folder?.remove();
});

async function open(address: string, token: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('pageerror', (error) => seen.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => seen.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) seen.push(message.text());
  });
  await page.goto(address);
  await page.fill('#token', token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('main[data-ready] h1:not(:text("Log in"))');
  return page;
}

async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate('axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html.slice(0, 200)))');
}

/** For each table, the number of pixels of its width that are only visible after scrolling sideways. */
const SIDEWAYS = '[...document.querySelectorAll(".scroll")].map((one) => one.scrollWidth - one.clientWidth)';
const displayOf = (page: Page, selector: string) =>
  page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).display`);
const textOf = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? '';

/** Returns the content and focus of a list after each reordering. */
const MOVED = `(async () => {
  const { h, Keyed } = await import('/page/dom.js');
  const list = document.body.appendChild(h('div'));
  const rows = new Keyed(list, (key) => ({ element: h('button', {}, key), update: () => {} }));
  const show = (order) => rows.show([...order], (key) => key);
  show('abcd');
  list.children[2].focus();
  const seen = ['cabd', 'abdc', 'xcdba', 'c'].map((order) => {
    show(order);
    return [list.textContent, document.activeElement.textContent];
  });
  list.remove();
  return seen;
})()`;
/** Updates the charts of a sweep in the page, and returns which parts of them remain unchanged. */
const REDRAWN = `(async () => {
  const { SweepCharts } = await import('/page/sweep-charts.js');
  const pictures = (best) => [
    {
      ...{ base: 'svm', hidden: 0, importance: [], axes: [...'abcdefgh'].map((name) => ({ name, ticks: [] })) },
      trials: [1, 2].map((number) => (
        { trial: 'svm-' + number, number, complete: true, score: best / number, best, at: Array(8).fill(0.5) }
      )),
    },
  ];
  const charts = new SweepCharts({ bases: ['svm'], figure: { title: 'accuracy', share: true, sign: 1 } });
  document.body.append(charts.element);
  charts.element.style.width = '300px';
  charts.update(pictures(0.5));
  const box = charts.element.querySelector('.scroll');
  const drawings = () => [...charts.element.querySelectorAll('svg')];
  const before = drawings();
  box.focus();
  box.scrollLeft = 50;
  charts.update(pictures(0.5));
  const same = drawings().every((svg, i) => svg === before[i]);
  charts.update(pictures(0.6));
  const kept = [
    document.activeElement === box && 'same box',
    box.scrollLeft === 50 && 'scrolled',
    same && 'same drawing',
    drawings().every((svg, i) => svg !== before[i]) && 'new drawing',
  ];
  charts.element.remove();
  return kept;
})()`;

const cells = (page: Page, state: number) => page.locator(`main .trial .cell[data-state="${state}"]`).count();

test('keeps the page below 300 kB compressed', async () => {
  const files = await dashboardAssets();
  const bytes = files.reduce((sum, { text }) => sum + brotliCompressSync(text).length, 0);
  assert.ok(files.length > 5);
  assert.ok(bytes < 300_000, `${bytes} bytes compressed`);
});

test('logs in by a link with a token, and immediately removes the token from the address', { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.url(), JSON.stringify(request.headers())));
  await page.goto(`${url}/#/?token=${WRONG}`);
  await page.waitForSelector('main[data-ready] h1:text("Log in")');
  assert.equal(new URL(page.url()).hash, '#/');
  // A link that is opened in the same tab is handled by the page that is already loaded.
  await page.goto(`${url}/#/?token=${OPERATE}`);
  await page.waitForSelector('main[data-ready] h1:not(:text("Log in"))');
  assert.equal(new URL(page.url()).hash, '#/');
  await page.reload();
  await page.waitForSelector('main[data-ready] h1:not(:text("Log in"))');
  await page.goBack();
  assert.ok(!page.url().includes('token'), 'the history does not contain the token');
  assert.ok(sent.length > 10);
  assert.ok(!sent.some((text) => text.includes(OPERATE)), 'no request contains the token in its address or headers');
  await context.close();
});

test('shows a loading message until data arrives, and says what to do if the store is empty', { skip }, async () => {
  const page = await open(`${url}/#/runs/none`, READ);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  for (const part of ['events', 'models']) {
    await page.route(`**/api/v1/${part}`, async (route) => {
      await held;
      await route.continue();
    });
  }
  await page.goto(`${url}/#/`);
  await page.waitForSelector('h1:text-is("Runs")');
  assert.equal(await page.locator('main').getByText('Loading…', { exact: true }).count(), 3);
  assert.doesNotMatch(await page.locator('main').innerText(), /No runs|No worker|No final/);
  release();
  await page.getByText('No runs yet. Start one: cryfold run SPEC --data FOLDER').waitFor();
  await page.getByText('No final models yet.').waitFor();
  assert.equal(await page.getByText('Loading…').count(), 0);
  assert.deepEqual(await axe(page), []);
  await page.context().close();
});

test('shows folds as they finish, cancels and retries a run, and shows fold details', { skip }, async (t) => {
  const proxy = await TcpProxy.start(Number(new URL(url).port));
  t.after(() => proxy.stop());
  const page = await open(`http://127.0.0.1:${proxy.port}/`, OPERATE);
  const args = ['--data', path(HOSTILE), '--estimators', 'small-cnn,svm,weak', '--out', path('out')];
  const running = start(['run', path('tiny.yaml'), ...args], environment);
  t.after(() => running.process.kill());
  await page.locator('tbody a').first().click();
  await page.waitForSelector('.trial .cell[data-state="1"]');
  assert.match(await page.locator('.actions').first().innerText(), /running/);
  await page.waitForSelector('.trial .cell[data-state="2"]');
  assert.match(await page.locator('main').innerText(), /Mean accuracy so far/);
  assert.match(
    await textOf(page, 'tr:has(th:text-is("combined"))'),
    /^combinedwhen the run ends––mean of small-cnn, svm$/,
  );

  // For a fold that is being trained, the page shows the worker, the start time and the progress.
  await page.locator('.trial .cell[data-state="1"]').first().click();
  const doing = page.locator('dialog');
  await doing.getByText('Worker').waitFor();
  assert.match(await doing.innerText(), /training, \d.*Since\s+2\d{3}-.* ago/s);
  assert.match(await doing.innerText(), new RegExp(`Worker\\s+${hostname()} \\d+`));
  assert.deepEqual(await axe(page), [], 'a fold in training');
  await page.keyboard.press('Escape');

  // Missed events are sent after a disconnect.
  proxy.set('cut');
  await page.waitForSelector('#connection:text("connection lost")');
  const before = await cells(page, 2);
  await until('folds to finish unseen', async () => {
    const { stdout } = await cryfold(['list', '--json'], environment);
    return JSON.parse(stdout)[0].done > before;
  });
  proxy.set('none');
  await page.waitForSelector('#connection:text-is("live")');
  await until('the missed folds', async () => (await cells(page, 2)) > before);

  // Pauses the run on the page, and resumes it with a command through the API.
  const stated = (text: string) => page.locator('.actions .state').getByText(text, { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await stated('paused');
  assert.deepEqual(await axe(page), [], 'a paused run');
  const run = decodeURIComponent(page.url().split('/').at(-1) ?? '');
  const server = { ...environment, CRYFOLD_SERVER: url, CRYFOLD_API_TOKEN: OPERATE };
  const resumed = await cryfold(['resume', run, '--json'], server);
  assert.equal(JSON.parse(resumed.stdout).scheduling.paused, false, resumed.stderr);
  await stated('running');
  const paused = await cryfold(['pause', run, '--json'], server);
  assert.equal(JSON.parse(paused.stdout).scheduling.paused, true, paused.stderr);
  await page.getByRole('button', { name: 'Resume' }).click();
  await stated('running');

  await page.getByRole('button', { name: 'Cancel run…' }).click();
  assert.deepEqual(await axe(page), [], 'the question before cancelling');
  await page.getByRole('button', { name: 'Keep running' }).click();
  await page.getByRole('button', { name: 'Cancel run…' }).click();
  await page.getByRole('button', { name: 'Cancel run', exact: true }).click();
  await page.waitForSelector('.state[data-state="cancelled"]');
  assert.equal((await running.ended).code, 4);
  await page.getByRole('button', { name: 'Retry…' }).click();
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await page.waitForSelector('.state[data-state="complete"]', { timeout: 120_000 });
  assert.equal(await cells(page, 2), 9);
  assert.match(await page.locator('main').innerText(), /<img src=x onerror=alert\(1\)>/, 'text, not markup');

  const results = JSON.parse(
    readFileSync(path(`store/runs/${decodeURIComponent(page.url().split('/').at(-1)!)}/results.json`), 'utf8'),
  );
  const mean = results.models.find(({ name }: { name: string }) => name === 'svm').accuracy.mean;
  assert.ok((await page.locator('main').innerText()).includes(`${(100 * mean).toFixed(1)} %`), 'the mean accuracy');
  const fusion = results.models.find(({ kind }: { kind: string }) => kind === 'fusion').accuracy.mean;
  await page.locator(`tr:has(th:text-is("combined")):has-text("3 of 3${(100 * fusion).toFixed(1)} %")`).waitFor();
  await page
    .locator('.verdict')
    .getByText(/^The highest mean accuracy is /)
    .waitFor();
  assert.match(await textOf(page, '.verdict + [role=note]'), /groups are in both train and test/);
  // The seconds come from fold records, so they are also shown after the run has finished.
  for (const reload of [false, true]) {
    if (reload) await page.reload();
    await page.waitForSelector('main[data-ready]');
    const took = async () =>
      Promise.all([0, 1, 2].map((row) => textOf(page, `.stack tbody tr:nth-child(${row + 1}) td:nth-of-type(3)`)));
    await until('the seconds', async () => (await took()).every((text) => /^\d+\.\d$/.test(text)));
    assert.doesNotMatch(await page.locator('main').innerText(), /so far/);
  }

  // Opens a fold with the keyboard alone. The fold's metrics must equal those in the results.
  await page.locator('.trial .cell').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog');
  await dialog.locator('table').waitFor();
  assert.equal(await dialog.locator('svg polyline').count(), 4);
  const fold = results.models.find(({ name }: { name: string }) => name === 'small-cnn').folds[1];
  assert.match(await dialog.innerText(), new RegExp(`${(100 * fold.accuracy).toFixed(1)} %`));
  assert.deepEqual(await axe(page), [], 'a fold');
  const download = page.waitForEvent('download');
  await dialog.getByRole('link', { name: 'probabilities.npy' }).click();
  assert.ok((await download).suggestedFilename().endsWith('.npy'));
  await page.keyboard.press('Escape');
  const popup = page.waitForEvent('popup');
  await page.getByRole('link', { name: 'Report' }).click();
  assert.match(await (await popup).locator('h1').innerText(), /tiny/);
  await page.context().close();

  const made = await cryfold(['train-final', run, '--of', 'svm', '--name', 'cry'], environment);
  assert.equal(made.code, 0, made.stderr);
  for (const options of [
    { viewport: { width: 1100, height: 900 }, colorScheme: 'light' as const },
    { viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const, hasTouch: true },
  ]) {
    const viewer = await open(`${url}/#/runs/${results.run.id}`, READ, options);
    await viewer.waitForSelector('main[data-ready]');
    const narrow = options.viewport.width < 640;
    assert.equal(await displayOf(viewer, '.stack tbody tr'), narrow ? 'block' : 'table-row');
    await viewer.locator('.trial .cell').first().click();
    await viewer.locator('dialog svg text').first().waitFor();
    const height = (await viewer.locator('dialog svg text').first().boundingBox())?.height ?? 0;
    assert.ok(height >= 10, `text of ${height} px`);
    await viewer.keyboard.press('Escape');
    assert.equal(
      await viewer.getByRole('button', { name: /Pause|Cancel|Retry/ }).count(),
      0,
      'a read-only viewer cannot make changes',
    );
    for (const address of [viewer.url(), `${url}/#/`]) {
      await viewer.goto(address);
      await viewer.waitForSelector('main[data-ready]');
      assert.deepEqual(await axe(viewer), [], address);
      const hidden = (await viewer.evaluate(SIDEWAYS)) as number[];
      assert.deepEqual(
        hidden.filter((pixels) => pixels > 0),
        [],
        `${address} has cells outside the visible area`,
      );
      assert.equal(
        await viewer.evaluate('document.documentElement.scrollWidth - innerWidth'),
        0,
        `${address} is too wide`,
      );
    }
    await viewer.goto(`${url}/#/`);
    const model = await viewer.locator('tr:has(th:text-matches("^cry@"))').innerText();
    for (const text of ['svm', `accuracy ${(100 * mean).toFixed(1)} %, inflated by leaks`, '1x3', '60 clips']) {
      assert.ok(model.includes(text), model);
    }
    const listed = await viewer.locator(`tr:has(a:text-is("${run}"))`).innerText();
    assert.match(listed, /accuracy \d+\.\d % \(.*\), inflated by leaks/);
    await viewer.goto(`${url}/queues`);
    await viewer.waitForURL(/queues\/read/);
    await viewer.getByText('aggregate').first().waitFor();
    assert.equal(
      await viewer.evaluate('fetch("/queues/api/queues/pause", { method: "PUT" }).then((r) => r.status)'),
      403,
    );
    await viewer.context().close();
  }
  assert.deepEqual(
    seen.filter((line) => !line.includes('fonts.googleapis.com')),
    [],
  );
});

test('shows why folds failed, reports unknown runs, and retries less often while the server is unreachable', {
  skip,
}, async (t) => {
  const proxy = await TcpProxy.start(Number(new URL(url).port));
  t.after(() => proxy.stop());
  const page = await open(`http://127.0.0.1:${proxy.port}/#/`, READ, { viewport: { width: 390, height: 844 } });
  await writeFile(path('bad.yaml'), TINY_SPEC.replace('name: tiny', 'name: bad').replace('1e-3', '1e30'));
  const args = ['--data', path(HOSTILE), '--estimators', 'small-cnn,svm', '--out', path('bad')];
  assert.equal((await cryfold(['run', path('bad.yaml'), ...args], environment)).code, 3);
  await page.getByRole('link', { name: /^bad-/ }).click();
  await page.locator('section[aria-label="Failures"] .problem').first().waitFor();
  const run = decodeURIComponent(page.url().split('/').at(-1)!);
  const { failures } = JSON.parse((await cryfold(['status', run, '--json'], environment)).stdout);
  const told = await page.locator('section[aria-label="Failures"]').innerText();
  assert.ok(failures.length > 0);
  for (const { trial, repeat, fold, code, message } of failures) {
    assert.ok(told.includes(`${code}: ${message}`) && told.includes(`${trial}/${repeat}/${fold}`), told);
    const label = `repeat ${repeat} fold ${fold}: failed, ${code}`;
    assert.ok((await page.locator(`.cell[title="${label}"]`).count()) > 0, label);
  }
  assert.equal(
    await page.locator('section[aria-label="Failures"] .problem').count(),
    new Set(failures.map((f: { message: string }) => f.message)).size,
  );
  assert.equal(await displayOf(page, 'section .hint:not(.faint)'), 'block');
  assert.deepEqual(await axe(page), []);

  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  proxy.set('cut');
  await page.waitForSelector('#connection:text("connection lost")');
  // Counts the requests that the page sends within a fixed time.
  await sleep(5000);
  const [streams, others] = [true, false].map(
    (is) => asked.filter((address) => address.includes('/events') === is).length,
  );
  assert.ok(streams >= 1 && streams <= 3, `${streams} event streams requested in 5 s`);
  assert.equal(others, 0, asked.join());
  proxy.set('none');
  await page.waitForSelector('#connection:text-is("live")');

  await page.goto(`http://127.0.0.1:${proxy.port}/#/runs/nosuch`);
  await page.getByText('RUN_NOT_FOUND').waitFor();
  assert.equal(await page.locator('button:not(#session *), progress').count(), 0);
  assert.equal(await textOf(page, '#connection'), '');
  assert.deepEqual(await axe(page), []);
  await page.getByRole('link', { name: 'All runs' }).click();
  await page.waitForSelector('h1:text-is("Runs")');
  await page.waitForSelector('#connection:text-is("live")');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.fill('#token', 'no-such-token');
  await page.keyboard.press('Enter');
  await page.getByText('The server does not accept this token.').waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /CRYFOLD_API_TOKEN/);
  await page.context().close();
});

test('shows the trials of a sweep in the same order as status', { skip }, async () => {
  const sweep = `
version: 1
name: sweep
protocol: { folds: 3, repeats: 1 }
estimators:
  svm: { kind: svm }
search:
  algorithm: asha
  trials: 8
  space:
    svm: { gamma: { log: [1e-9, 1e-3] }, C: { log: [0.001, 100] } }
`;
  await writeFile(path('sweep.yaml'), sweep);
  const page = await open(`${url}/#/`, READ);
  const running = start(['sweep', path('sweep.yaml'), '--data', path(HOSTILE), '--out', path('sweep')], environment);
  await page.getByRole('link', { name: /^sweep-/ }).click();
  assert.equal((await running.ended).code, 0, running.stderr());
  await page.waitForSelector('.state[data-state="complete"]');
  const run = decodeURIComponent(page.url().split('/').at(-1)!);
  const { stdout } = await cryfold(['status', run, '--json'], environment);
  const { trials } = JSON.parse(stdout).search as { trials: Record<string, string | number | null>[] };
  const percent = (share: unknown) => (100 * Math.min(1, Math.max(0, Number(share)))).toFixed(2);
  const expected = trials.map(({ trial, state, folds, planned, mean, low, high, reason }) =>
    [
      ...[trial, state, `${folds}/${planned}`, percent(mean)],
      ...[low === null ? '–' : `${percent(low)} to ${percent(high)}`, reason],
    ].join('|'),
  );
  assert.deepEqual([...new Set(trials.map(({ state }) => state))].sort(), ['COMPLETE', 'PRUNED']);
  const rows = async () => {
    const cells = await page.locator('tbody.search tr').evaluateAll((all) =>
      // The cast is needed because this program is compiled without the DOM's types.
      all.map((row) =>
        Array.from((row as unknown as { cells: { textContent: string }[] }).cells, (c) => c.textContent),
      ),
    );
    return cells.map((of) => of.filter((_, i) => i !== 5).join('|'));
  };
  await until('the last rows', async () => (await rows()).sort().join() === [...expected].sort().join());
  // Trials with equal means may be in any order.
  const standing = (row: string) => row.split('|').slice(2, 4);
  assert.deepEqual((await rows()).map(standing), expected.map(standing));
  assert.match(await page.locator('tbody.search tr').first().innerText(), /gamma 0.*C /);
  assert.equal(await cells(page, 3), 0, 'no fold failed');
  await until('every fold', async () => (await cells(page, 2)) === trials.reduce((n, t) => n + Number(t.folds), 0));
  assert.deepEqual(await axe(page), []);

  // The charts show what `status` prints.
  const charts = page.locator('section.charts');
  assert.equal(await charts.locator('svg[role=img]').count(), 2, 'history and parallel coordinates');
  const begun = trials.filter(({ mean, state }) => mean !== null && state !== 'FAILED').length;
  await until('a dot for each trial', async () => (await charts.locator('svg circle.dot').count()) === begun);
  const { importance } = JSON.parse(stdout).search as {
    importance: Record<string, { name: string; share: number | null }[]>;
  };
  const bars = await charts.locator('.bars li').allInnerTexts();
  assert.deepEqual(
    bars.map((text) => text.replace(/\s+/g, ' ').trim()),
    importance.svm.map(
      ({ name, share }) => `${name} ${share === null ? 'too few trials' : `${Math.round(100 * share)} %`}`,
    ),
  );
  assert.equal(await charts.locator('meter').count(), importance.svm.filter(({ share }) => share !== null).length);
  for (const title of ['trial', 'accuracy, %', 'gamma', 'C']) {
    assert.ok((await charts.locator('svg text').allTextContents()).includes(title), title);
  }

  assert.deepEqual(await page.evaluate(MOVED), [
    ['cabd', 'c'],
    ['abdc', 'c'],
    ['xcdba', 'c'],
    ['c', 'c'],
  ]);
  assert.deepEqual(await page.evaluate(REDRAWN), ['same box', 'scrolled', 'same drawing', 'new drawing']);

  // A click on a column header sorts the table; the third click restores the original order.
  const names = () => page.locator('tbody.search th').allInnerTexts();
  const [before, head] = [await names(), page.locator('th:has(button:text-is("Trial"))')];
  for (const [direction, order] of [
    ['ascending', before.toSorted()],
    ['descending', before.toSorted().reverse()],
    [null, before],
  ] as const) {
    await head.getByRole('button').press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), direction);
    assert.deepEqual(await names(), order);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, 'too wide for a phone');
  assert.ok(await page.getByRole('button', { name: 'Trial' }).isVisible(), 'sorting is available on phones');
  assert.deepEqual(await axe(page), [], 'a sweep on a phone');

  await page.context().close();

  // The report's Content Security Policy forbids scripts, so axe only runs without the policy.
  const report = await open(`${url}/#/`, READ, { viewport: { width: 360, height: 740 }, bypassCSP: true });
  await report.goto(`${url}/api/v1/runs/${run}/report.html`);
  await report.locator('section[aria-label="Verdict"]').waitFor();
  const search = report.locator('section[aria-labelledby="search"]');
  assert.equal(await search.locator('svg[role=img]').count(), 2);
  await search.getByText(/importance .* cannot be estimated: too few trials/).waitFor();
  assert.equal(await report.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, 'the report is too wide');
  assert.deepEqual(await axe(report), [], 'the report of a sweep on a phone');
  await report.context().close();
});

test('ten thousand folds scroll and update smoothly', { skip }, async (t) => {
  const { run } = await writeRandomRun(openStore(environment.CRYFOLD_STORE), {
    clips: 40,
    repeats: 667,
    planOnly: true,
  });
  const page = await open(`${url}/#/runs/${run}`, READ, { viewport: { width: 1100, height: 900 } });
  await page.waitForSelector('.trial .cell');
  assert.equal(await page.locator('main .trial .cell').count(), 10_005);
  const frames = (await page.evaluate(`(async () => {
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    for (let i = 0; i < 90; i++) {
      scrollTo(0, (i * 97) % document.documentElement.scrollHeight);
      const now = await new Promise(requestAnimationFrame);
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  })()`)) as number[];
  const [median, worst] = [frames[45], frames[85]];
  t.diagnostic(`frames: median ${median.toFixed(1)} ms, 95th percentile ${worst.toFixed(1)} ms`);
  // An idle machine draws a frame every 17 ms, but test machines may be busy.
  assert.ok(median < 50, `median frame ${median} ms`);
  await page.context().close();
});
