import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clip, encodeWav, readDataset, synthesizeCorpus } from '@cryfold/corpus';
import type { Browser } from 'playwright-core';
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.js';
import { type Command, cryfold, descendants, ownStore, temporaryFolder, until } from './command.js';
import { serveModel } from './served-model.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SPEC = `
version: 1
name: cry
protocol: { folds: 2, repeats: 1 }
estimators:
  svm: { kind: svm }
  rival: { kind: svm, C: 0.01 }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clips: Clip[];
let server: Command;
let url: string;
let browser: Browser | undefined;
const versions: string[] = [];

async function json(args: string[]) {
  const { code, stdout, stderr } = await cryfold([...args, '--json'], store());
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}
const store = () => ({ CRYFOLD_STORE: `file:${join(folder.path, 'out', 'store')}` });
const promote = (version: string) => json(['models', 'promote', `cry@${version}`]);

async function serve(...flags: string[]): Promise<{ command: Command; url: string }> {
  const command = await serveModel('cry', ['--poll', '0.2', ...flags], store());
  return { command, url: command.url };
}

async function stop(command: Command): Promise<void> {
  command.process.kill('SIGTERM');
  assert.equal((await command.ended).code, 0);
}

before(async () => {
  folder = await temporaryFolder();
  const corpus = join(folder.path, 'corpus');
  await synthesizeCorpus(corpus, { clips: 60, seed: 2 });
  clips = (await readDataset(corpus)).clips;
  const spec = join(folder.path, 'spec.yaml');
  await writeFile(spec, SPEC);
  const run = await json(['run', spec, '--data', corpus, ...ownStore(join(folder.path, 'out')), '--workers', '1']);
  for (const of of ['svm', 'rival']) {
    versions.push((await json(['train-final', run.run.id, '--of', of, '--name', 'cry'])).card.version);
  }
  await promote(versions[0]);
  ({ command: server, url } = await serve());
  const executablePath = await findBrowser();
  if (!executablePath) return;
  // A fake microphone that beeps
  const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  browser = await launchBrowser(executablePath, flags);
});
after(async () => {
  await browser?.close();
  if (server) await stop(server);
  await folder.remove();
});

const wavOf = (i: number) => readFile(join(folder.path, 'corpus', clips[i].file));

// biome-ignore lint/suspicious/noExplicitAny: the tests check the content of the response
type Answer = any;

async function send(body: string | Uint8Array | FormData, type?: string, query = '', to = url) {
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(`${to}/api/v1/predict${query}`, { method: 'POST', headers, body });
  return { status: response.status, body: (await response.json()) as Answer };
}

test('returns the same as cryfold predict, both for a WAV body and for a form', async () => {
  const file = join(folder.path, 'corpus', clips[0].file);
  const told = await json(['predict', 'cry', file]);
  const body = await send(await wavOf(0), 'audio/wav');
  assert.equal(body.status, 200);
  assert.deepEqual(body.body.predictions[0].windows, told.predictions[0].windows);
  assert.equal(body.body.predictions[0].windows[0].label, clips[0].label);
  const form = new FormData();
  for (const i of [0, 1]) form.append('file', new Blob([await wavOf(i)]), `clip <${i}>.wav`);
  const both = await send(form, undefined, '?images=true');
  assert.equal(both.status, 200);
  assert.deepEqual(
    both.body.predictions.map(({ name, mean }: { name: string; mean: { label: string } }) => [name, mean.label]),
    [
      ['clip _0_.wav', clips[0].label],
      ['clip _1_.wav', clips[1].label],
    ],
  );
  assert.equal(Buffer.from(both.body.predictions[0].windows[0].image, 'base64').length, 60 * 90 * 3);
  const other = await send(
    encodeWav(
      new Float64Array(8000).map((_, i) => Math.sin(i / 5)),
      8000,
    ),
    'audio/wav',
  );
  const [{ rate, resampledTo, windows }] = other.body.predictions;
  assert.deepEqual([rate, resampledTo, windows.length], [8000, 11025, 1]);
  const long = new Float64Array(3 * 11025).map((_, i) => Math.sin(i / 5));
  const hopped = await send(encodeWav(long, 11025), 'audio/wav', '?hop=0.5');
  assert.equal(hopped.body.predictions[0].windows.length, 5);
});

test('reports silence and noise as unlike the training data', async () => {
  const of = async (samples: Float64Array) =>
    (await send(encodeWav(samples, 11025), 'audio/wav')).body.predictions[0] as Answer;
  const silent = await of(new Float64Array(2 * 11025));
  assert.deepEqual([silent.unlike, silent.windows, silent.silent.length, silent.mean], [true, [], 2, undefined]);
  let state = 1;
  const noise = await of(
    new Float64Array(2 * 11025).map(() => {
      state = (state * 16807) % 2147483647;
      return 0.3 * (state / 2147483647 - 0.5);
    }),
  );
  assert.deepEqual([noise.unlike, noise.windows.map(({ unlike }: Answer) => unlike)], [true, [true, true]]);
  assert.ok(noise.windows[0].unlikeness > 1);
});

test('refuses unusable requests with a status, a code and a hint', async () => {
  const tone = new Float64Array(11025).map((_, i) => Math.sin(i / 5));
  const cases: [Awaited<ReturnType<typeof send>>, number, string][] = [
    [await send('hello', 'audio/wav'), 422, 'WAV_INVALID'],
    [await send(encodeWav(tone, 400_000), 'audio/wav'), 422, 'RATE_UNKNOWN'],
    [await send(encodeWav(tone.subarray(0, 3000), 11025), 'audio/wav'), 422, 'CLIP_SHORT'],
    [await send('', 'audio/wav'), 400, 'UPLOAD_INVALID'],
    [await send(new FormData()), 400, 'UPLOAD_INVALID'],
    [await send('{}', 'application/json'), 415, 'UPLOAD_TYPE'],
    [await send('hello', 'text/plain'), 415, 'UPLOAD_TYPE'],
    [await send(encodeWav(tone, 11025), 'audio/wav', '?hop=-1'), 400, 'USAGE'],
    [await send(encodeWav(tone, 11025), 'audio/wav', '?hup=1'), 400, 'USAGE'],
    [await send('x', 'multipart/form-data; boundary=none'), 400, 'UPLOAD_INVALID'],
  ];
  for (const [{ status, body }, expected, code] of cases) {
    assert.deepEqual([status, body.error?.code], [expected, code], JSON.stringify(body));
  }
  const none = await fetch(`${url}/../etc/passwd`);
  assert.equal(none.status, 404);
  assert.equal(((await none.json()) as { error: { code: string } }).error.code, 'NOT_FOUND');
});

test('rejects uploads above the limit and endless requests, and aborts long predictions', async () => {
  const small = await serve('--max-upload-mb', '0.1', '--timeout', '1');
  const tone = encodeWav(
    new Float64Array(100_000).map((_, i) => Math.sin(i / 5)),
    11025,
  );
  assert.equal((await send(tone, 'audio/wav', '', small.url)).body.error.code, 'UPLOAD_TOO_LARGE');
  const form = new FormData();
  form.append('file', new Blob([tone]), 'a.wav');
  assert.deepEqual((await send(form, undefined, '', small.url)).status, 413);
  const port = Number(new URL(small.url).port);
  const slow = connect(port, '127.0.0.1');
  slow.on('error', () => {});
  slow.write('POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 1000\r\n\r\nabc');
  const closed = new Promise((resolve) => slow.once('close', () => resolve('closed')));
  slow.resume();
  assert.equal(await Promise.race([closed, sleep(45_000, 'still open', { ref: false })]), 'closed');
  // The prediction process is killed during its work, and the service continues with a new one.
  const [child] = descendants(small.command.process.pid ?? 0).filter(({ command }) =>
    command.includes('predict-child'),
  );
  process.kill(child.pid, 'SIGSTOP');
  const late = await send(await wavOf(0), 'audio/wav', '', small.url);
  assert.deepEqual([late.status, late.body.error.code], [504, 'PREDICTION_TIMEOUT']);
  assert.equal((await fetch(`${small.url}/healthz`)).status, 200);
  await until('another process', async () => (await fetch(`${small.url}/readyz`)).status === 200);
  assert.equal((await send(await wavOf(0), 'audio/wav', '', small.url)).status, 200);
  await stop(small.command);
});

test('answers health checks immediately while predictions are computed', async () => {
  const long = encodeWav(
    new Float64Array(60 * 11025).map((_, i) => Math.sin(i / 5) * Math.sin(i / 999)),
    11025,
  );
  let working = true;
  const work = send(long, 'audio/wav', '?hop=0.05').finally(() => {
    working = false;
  });
  let [looks, slowest] = [0, 0];
  while (working) {
    const begun = performance.now();
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    slowest = Math.max(slowest, performance.now() - begun);
    looks++;
  }
  assert.equal((await work).status, 200);
  assert.ok(looks > 3, `${looks} looks`);
  // This would fail if predictions ran in the service's own event loop, which they would block for seconds.
  assert.ok(slowest < 1000, `${slowest} ms`);
});

test('switches to a new champion without dropping a request, but not to a damaged champion', async () => {
  const seen = new Set<string>();
  let [running, answered] = [true, 0];
  const wav = await wavOf(0);
  const client = async () => {
    while (running) {
      const { status, body } = await send(wav, 'audio/wav');
      assert.equal(status, 200, JSON.stringify(body));
      seen.add(body.model.version);
      answered++;
    }
  };
  const clients = Promise.all([client(), client(), client()]);
  for (const version of [versions[1], versions[0]]) {
    await promote(version);
    await until(`version ${version}`, async () => (await send(wav, 'audio/wav')).body.model.version === version);
  }
  running = false;
  await clients;
  assert.deepEqual([...seen].sort(), [...versions].sort());
  assert.ok(answered > 10);

  const models = join(folder.path, 'out', 'store', 'models', 'cry');
  const [good, damaged] = [versions[1], 'd00d00d00d00'];
  await cp(join(models, good), join(models, damaged), { recursive: true });
  const card = JSON.parse(await readFile(join(models, damaged, 'card.json'), 'utf8'));
  await writeFile(join(models, damaged, 'card.json'), JSON.stringify({ ...card, version: damaged }));
  await writeFile(join(models, damaged, 'members', 'rival', 'support.npy'), 'rubbish');
  await promote(damaged);
  const failed = 'cryfold_serve_switches_total{outcome="failed"} 1';
  await until('the failed switch', async () => (await (await fetch(`${url}/metrics`)).text()).includes(failed));
  assert.equal((await send(wav, 'audio/wav')).body.model.version, versions[0]);
  await json(['models', 'rollback', 'cry']);
  // The service still switches when the champion changes. The rollback, which made the served version the champion
  // again, does not count as a failure.
  await promote(versions[1]);
  await until('the next champion', async () => (await send(wav, 'audio/wav')).body.model.version === versions[1]);
  assert.equal((await (await fetch(`${url}/metrics`)).text()).includes(failed), true);
});

test('describes the API, and sends the Content Security Policy with every response', async () => {
  const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { requestBody?: object; parameters?: unknown[] }>>;
  };
  assert.match(openapi.openapi, /^3\./);
  assert.deepEqual(Object.keys(openapi.paths).sort(), [
    '/api/v1/model',
    '/api/v1/predict',
    '/healthz',
    '/metrics',
    '/readyz',
  ]);
  assert.equal(openapi.paths['/api/v1/predict'].post.parameters?.length, 2);
  for (const path of ['/', '/page.js', '/api/v1/model', '/nothing']) {
    const { headers } = await fetch(`${url}${path}`);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
});

const views = [
  { name: 'desktop-light', viewport: { width: 1000, height: 1100 }, colorScheme: 'light' as const },
  { name: 'phone-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const },
];
for (const { name, viewport, colorScheme } of views) {
  test(`classifies a file and a recording on an accessible page in Chromium, ${name}`, async (t) => {
    if (!browser) return t.skip(NO_BROWSER);
    const context = await browser.newContext({ viewport, colorScheme, permissions: ['microphone'] });
    const page = await context.newPage();
    const seen: string[] = [];
    page.on('console', (message) => seen.push(message.text()));
    page.on('pageerror', (error) => seen.push(String(error)));
    await page.goto(url);
    await page
      .getByText(/not a medical device/)
      .first()
      .waitFor();
    const check = async (what: string) => {
      assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0, `${what} is too wide`);
      await page.evaluate(AXE);
      const violations = await page.evaluate(
        'axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes[0].html.slice(0, 200)))',
      );
      assert.deepEqual(violations, [], what);
    };
    await check('at first');

    // The recording has three clips. The heading, bars, table and picture show the same prediction.
    const samples = new Float64Array(3 * 11025).map((_, i) => 0.5 * Math.sin(i / (4 + Math.floor(i / 11025))));
    const wav = Buffer.from(encodeWav(samples, 11025));
    await page.setInputFiles('#file', { name: 'three.wav', mimeType: 'audio/wav', buffer: wav });
    await page.locator('#result').waitFor();
    const { mean } = (await send(wav, 'audio/wav')).body.predictions[0];
    // The recording contains tones, which are unlike voices.
    assert.equal(await page.locator('#heading').textContent(), 'Unlike the training data');
    assert.equal(await page.getByText('unlike the training data', { exact: true }).count(), 3);
    assert.equal(await page.locator('#bars li').count(), Object.keys(mean.probabilities).length);
    assert.equal(await page.locator('#windows tr').count(), 3);
    assert.equal(await page.locator('#spectrogram').getAttribute('width'), '270');
    const painted = await page.evaluate(
      "new Set(document.querySelector('#spectrogram').getContext('2d').getImageData(0, 0, 270, 60).data).size",
    );
    assert.ok(Number(painted) > 20, `${painted} values of colour`);
    assert.deepEqual(await page.locator('#frequencies span').allTextContents(), ['5.5 kHz', '2.8 kHz', '0.0 kHz']);
    assert.deepEqual(await page.locator('#times span').allTextContents(), ['0.0 s', '1.0 s', '2.0 s']);
    if (process.env.CRYFOLD_SCREENSHOTS) {
      await page.screenshot({ path: join(process.env.CRYFOLD_SCREENSHOTS, `serve-${name}.png`), fullPage: true });
    }
    await check('with a result');

    // The browser resamples recordings with other sample rates. The page reports files that contain no sound.
    const fast = Buffer.from(
      encodeWav(
        new Float64Array(44100).map((_, i) => 0.5 * Math.sin(i / 20)),
        44100,
      ),
    );
    await page.setInputFiles('#file', { name: 'fast.wav', mimeType: 'audio/wav', buffer: fast });
    await page.getByText(/fast\.wav: 1\.0 s at 44100 Hz, resampled to 11025 Hz/).waitFor();
    await page.setInputFiles('#file', { name: 'text.wav', mimeType: 'audio/wav', buffer: Buffer.from('no sound') });
    await page.getByText(/cannot decode the file/).waitFor();

    await page.getByRole('button', { name: 'Record' }).press('Enter');
    await page.getByRole('button', { name: 'Stop and classify' }).waitFor();
    // The page shows the length of the recording.
    await sleep(1500);
    await page.keyboard.press('Enter');
    await page.getByText(/your recording: [12]\.\d s at 11025 Hz/).waitFor();
    assert.equal(await page.locator('#error').isVisible(), false);
    assert.deepEqual(
      seen.filter((line) => !/status of 4\d\d/.test(line)),
      [],
    );
    await context.close();
  });
}

test('classifies recordings that are dropped on the page', async (t) => {
  if (!browser) return t.skip(NO_BROWSER);
  const page = await browser.newPage();
  await page.goto(url);
  await page
    .getByText(/not a medical device/)
    .first()
    .waitFor();
  const bytes = (await wavOf(3)).toString('base64');
  await page.evaluate(`{
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0))], 'dropped.wav'));
    document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
  }`);
  await page.getByText(/dropped\.wav: 1\.0 s at 11025 Hz/).waitFor();
  assert.match((await page.locator('#heading').textContent()) ?? '', new RegExp(`^${clips[3].label}, `));
  await page.close();
});
