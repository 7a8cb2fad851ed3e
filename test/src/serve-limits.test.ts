import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { encodeWav } from '@cryfold/corpus';
import { RATE, tone, writeModel } from '@cryfold/model-registry/testing';
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.js';
import { cryfold, descendants, start, temporaryFolder, until } from './command.js';
import { killServed, type Served, serveModel } from './served-model.js';

const MIB = 2 ** 20;
const LABELS = ['<img src=x onerror=document.title=1>', '__proto__', '|a*b*'];
const CLIP = encodeWav(tone(1), RATE);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let model: string;
/** Temporary folder of the services */
let scratch: string;
const running: Served[] = [];

before(async () => {
  folder = await temporaryFolder();
  model = join(folder.path, 'model');
  await writeModel(model, LABELS);
});
after(() => folder.remove());
beforeEach(async () => {
  scratch = join(folder.path, 'tmp');
  await mkdir(scratch);
});
afterEach(async () => {
  for (const served of running.splice(0)) await killServed(served);
  const left = await readdir(scratch);
  await rm(scratch, { recursive: true });
  assert.deepEqual(left, []);
});

async function serve(flags: string[] = [], environment: Record<string, string> = {}): Promise<Served> {
  const served = await serveModel(model, flags, { TMPDIR: scratch, ...environment });
  running.push(served);
  return served;
}

interface Answer {
  status: number;
  code?: string;
  message?: string;
  retry: string | null;
  body: { predictions: { windows: { image?: string }[] }[] };
}

async function predict({ url }: Served, body: Uint8Array | FormData, query = ''): Promise<Answer> {
  const headers: Record<string, string> = body instanceof FormData ? {} : { 'content-type': 'audio/wav' };
  const response = await fetch(`${url}/api/v1/predict${query}`, { method: 'POST', headers, body });
  // biome-ignore lint/suspicious/noExplicitAny: the tests check the content of the response
  const answer = (await response.json()) as any;
  const { code, message } = answer.error ?? {};
  return { status: response.status, code, message, retry: response.headers.get('retry-after'), body: answer };
}

/** Sends the head of a request, and leaves the body to the test. */
function open({ port }: Served, ...headers: string[]): { socket: Socket; heard: () => string; closed: Promise<void> } {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const type = headers.some((line) => line.startsWith('Content-Type')) ? [] : ['Content-Type: audio/wav'];
  socket.write(['POST /api/v1/predict HTTP/1.1', 'Host: x', ...type, ...headers, '', ''].join('\r\n'));
  return { socket, heard: () => heard, closed };
}

const pending = async ({ url }: Served) =>
  Number(/^cryfold_serve_pending (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
const childOf = ({ process: { pid } }: Served) =>
  descendants(pid ?? 0).find(({ command }) => command.includes('predict-child'))?.pid ?? 0;

test('responds to 32 clients that upload 10 MB each, in bounded memory', async () => {
  const served = await serve();
  const wav = encodeWav(tone((10 * MIB) / 2 / RATE), RATE);
  const answers = await Promise.all(Array.from({ length: 32 }, () => predict(served, wav, '?hop=60')));
  assert.deepEqual(
    answers.map(({ status, message }) => [status, message]),
    answers.map(() => [200, undefined]),
  );
  if (process.platform !== 'linux') return;
  const status = await readFile(`/proc/${served.process.pid}/status`, 'utf8');
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  // This is less than the bodies of the requests, which are 320 MiB in total.
  assert.ok(peak < 280, `${peak} MiB`);
});

test('refuses an upload above the limit before reading its body', async () => {
  const served = await serve(['--max-upload-mb', '1']);
  for (const type of ['audio/wav', 'multipart/form-data; boundary=x']) {
    const { socket, heard } = open(served, `Content-Length: ${300 * MIB}`, `Content-Type: ${type}`);
    await until('the refusal', () => heard().includes('UPLOAD_TOO_LARGE'));
    assert.match(heard(), /^HTTP\/1.1 413 /);
    socket.destroy();
  }
});

test('cuts off an upload of unknown length as soon as it passes the limit', async () => {
  const served = await serve(['--max-upload-mb', '1']);
  const { socket, heard, closed } = open(served, 'Transfer-Encoding: chunked');
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`;
  const pump = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', pump);
  pump();
  await until('the refusal', () => heard().includes('UPLOAD_TOO_LARGE'));
  // The server stops reading from a client that keeps sending.
  await closed;
});

test('limits the size of a form and its number of files', async () => {
  const served = await serve(['--max-upload-mb', '1']);
  const form = (files: number, bytes: Uint8Array) => {
    const made = new FormData();
    for (let i = 0; i < files; i++) made.append('f', new Blob([bytes]), `${i}.wav`);
    return made;
  };
  assert.equal((await predict(served, form(2, new Uint8Array(0.9 * MIB)))).code, 'UPLOAD_TOO_LARGE');
  assert.equal((await predict(served, form(17, CLIP))).code, 'UPLOAD_INVALID');
  const { status, body } = await predict(served, form(16, CLIP));
  assert.deepEqual([status, body.predictions.length], [200, 16]);
  const field = form(1, CLIP);
  field.append('comment', 'text');
  assert.equal((await predict(served, field)).code, 'UPLOAD_INVALID');
  // One client disconnects in the middle of a file. Another client sends a form that ends in the middle of a file.
  const head = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.wav"\r\n\r\nRIFF';
  const asForm = 'Content-Type: multipart/form-data; boundary=x';
  const { socket, heard, closed } = open(served, asForm, `Content-Length: ${head.length}`, 'Connection: close');
  socket.write(head);
  await closed;
  assert.match(heard(), /UPLOAD_INVALID/);
  const gone = open(served, asForm, 'Content-Length: 1000');
  gone.socket.write(head, () => gone.socket.destroy());
  await gone.closed;
  assert.equal((await predict(served, CLIP)).status, 200);
});

test('refuses requests without reading their bodies while 32 are being received, until the 32 time out', async () => {
  const served = await serve(['--timeout', '6']);
  const slow = Array.from({ length: 32 }, () => open(served, 'Content-Length: 1000'));
  const { retry, code } = await until('a refusal', async () => {
    const answer = await predict(served, CLIP);
    return answer.status === 503 ? answer : undefined;
  });
  assert.deepEqual([code, retry], ['SERVER_BUSY', '2']);
  const { socket, heard } = open(served, 'Content-Length: 1000');
  await until('the refusal', () => heard().includes('SERVER_BUSY'));
  socket.destroy();
  await Promise.all(slow.map(({ closed }) => closed));
  await until('a free slot', async () => (await predict(served, CLIP)).status === 200);
});

test('fails a prediction that takes too long, but completes those that are waiting', async () => {
  const served = await serve(['--timeout', '6']);
  process.kill(childOf(served), 'SIGSTOP');
  const answers = await Promise.all(Array.from({ length: 8 }, () => predict(served, CLIP)));
  assert.deepEqual(answers.map(({ code }) => code ?? 'done').sort(), ['PREDICTION_TIMEOUT', ...Array(7).fill('done')]);
});

test('drops a waiting client that disconnects, and keeps the prediction process', async () => {
  const served = await serve();
  const child = childOf(served);
  process.kill(child, 'SIGSTOP');
  const first = predict(served, CLIP);
  await until('the first request', async () => (await pending(served)) === 1);
  const { socket } = open(served, `Content-Length: ${CLIP.length}`);
  socket.write(CLIP);
  await until('the second request', async () => (await pending(served)) === 2);
  socket.destroy();
  await until('the second request to be dropped', async () => (await pending(served)) === 1);
  process.kill(child, 'SIGCONT');
  assert.equal((await first).status, 200);
  assert.equal(childOf(served), child);
});

test('fails only the current request, with the reason, if the prediction process is killed', async () => {
  const served = await serve();
  const child = childOf(served);
  process.kill(child, 'SIGSTOP');
  const all = Promise.all([predict(served, CLIP), predict(served, CLIP)]);
  await until('both', async () => (await pending(served)) === 2);
  process.kill(child, 'SIGKILL');
  const [died, done] = (await all).sort((a, b) => b.status - a.status);
  assert.deepEqual([died.status, died.code, done.status], [503, 'CHILD_DIED', 200]);
  assert.match(died.message ?? '', /SIGKILL, probably out of memory/);
});

test('exits within the grace period after SIGTERM, and responds to pending requests', async () => {
  const served = await serve([], { CRYFOLD_GRACE_SECONDS: '3' });
  process.kill(childOf(served), 'SIGSTOP');
  const all = Promise.all([predict(served, CLIP), predict(served, CLIP)]);
  open(served, 'Content-Length: 1000');
  await until('both', async () => (await pending(served)) === 2);
  const begun = performance.now();
  served.process.kill('SIGTERM');
  assert.deepEqual(
    (await all).map(({ status, code }) => [status, code]),
    [
      [503, 'SERVER_BUSY'],
      [503, 'SERVER_BUSY'],
    ],
  );
  assert.equal((await served.ended).code, 0);
  // If nothing waits for a time limit, this takes less than 10 s. The time limit is 15 s for exiting after the grace
  // period, and 30 s for a prediction.
  assert.ok(performance.now() - begun < 10_000);
});

interface Odd {
  channels?: number;
  rate?: number;
  /** Number of bytes that follow the header, and number of bytes that the header declares */
  bytes?: number;
  claimed?: number;
}

/** Returns an 8-bit WAV file whose header may contain any values. */
function oddWav({ channels = 1, rate = RATE, bytes = 16_000, claimed = bytes }: Odd) {
  const wav = Buffer.alloc(44 + bytes);
  wav.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  wav.writeUInt32LE(36 + claimed, 4);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE((rate * channels) % 2 ** 32, 28);
  wav.writeUInt16LE(channels, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(claimed, 40);
  for (let i = 0; i < bytes; i++) wav[44 + i] = (i * i) % 251;
  return wav;
}

test('classifies or refuses unusual WAV files without crashing the prediction process', async () => {
  const served = await serve();
  const child = childOf(served);
  const cases: [Odd, number, string | undefined][] = [
    [{ claimed: 0x10000000 }, 422, 'WAV_INVALID'],
    // A header as written to a pipe, which means that the sound extends to the end of the file.
    [{ claimed: 0xffffff00 }, 200, undefined],
    [{ bytes: 0 }, 422, 'WAV_EMPTY'],
    [{ channels: 65535, bytes: 65535 * 200 }, 422, 'CLIP_SHORT'],
    [{ channels: 65535, rate: 100, bytes: 65535 * 200 }, 200, undefined],
    [{ rate: 768_000, bytes: 4 * 768_000 }, 200, undefined],
    [{ rate: 0xffffffff }, 422, 'CLIP_SHORT'],
    [{ rate: 1, bytes: 19 * MIB }, 422, 'RECORDING_LONG'],
    // A recording of an hour and a half
    [{ rate: 1000, bytes: 5400 * 1000 }, 422, 'RECORDING_LONG'],
  ];
  for (const [wav, status, code] of cases) {
    const answer = await predict(served, oddWav(wav));
    assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(wav) + answer.message);
  }
  assert.equal(childOf(served), child);
});

test('limits the number of windows per request, and of windows with images per response', async () => {
  const served = await serve();
  const wav = encodeWav(tone(400), RATE);
  const { windows } = (await predict(served, wav, '?images=true')).body.predictions[0];
  assert.equal(windows.length, 400);
  assert.equal(windows.filter(({ image }) => image).length, Math.floor((5 * MIB) / (60 * 90 * 3)));
  const form = new FormData();
  for (let i = 0; i < 3; i++) form.append('f', new Blob([wav]), 'a.wav');
  assert.equal((await predict(served, form, '?hop=0.25')).code, 'RECORDING_LONG');
});

test('refuses to start if uploads cannot be written, and leaves nothing behind', async () => {
  const { code, stderr } = await cryfold(['serve', '--model', model, '--port', '0'], {
    TMPDIR: join(scratch, 'absent'),
  });
  assert.equal(code, 1);
  assert.match(stderr, /SPOOL_FAILED/);
});

test('leaves no upload behind if the service is killed', async () => {
  const served = await serve();
  process.kill(childOf(served), 'SIGSTOP');
  const { socket } = open(served, `Content-Length: ${CLIP.length}`);
  socket.write(CLIP);
  await until('the upload', async () => (await pending(served)) === 1);
  // The file that contains the upload has no name in the folder, so the folder looks empty. afterEach checks this again
  // after SIGKILL.
  assert.deepEqual(await readdir(scratch), []);
});

test('exits with a code if the service cannot start', async () => {
  const broken = join(folder.path, 'broken');
  await writeModel(broken, LABELS);
  await writeFile(join(broken, 'members', 'svm', 'support.npy'), 'rubbish');
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const cases: [string, string, RegExp][] = [
    [broken, '0', /ARTIFACT_CORRUPT/],
    [join(folder.path, 'absent'), '0', /NOT_FOUND/],
    [model, String(port), /USAGE: port/],
  ];
  for (const [name, at, expected] of cases) {
    const { code, stderr } = await cryfold(['serve', '--model', `${name}/`, '--port', at], { TMPDIR: scratch });
    assert.notEqual(code, 0);
    assert.match(stderr, expected);
  }
  taken.close();
  const early = start(['serve', '--model', model, '--port', '0'], { TMPDIR: scratch });
  await until('its child', () =>
    descendants(early.process.pid ?? 0).some(({ command }) => command.includes('predict')),
  );
  early.process.kill('SIGTERM');
  await early.ended;
});

test('shows labels as text and reports errors on the page', async (t) => {
  const executablePath = await findBrowser();
  if (!executablePath) return t.skip(NO_BROWSER);
  const browser = await launchBrowser(executablePath);
  t.after(() => browser.close());
  const served = await serve(['--max-upload-mb', '1', '--timeout', '3']);
  const page = await browser.newPage();
  await page.goto(served.url);
  await page.getByText('tones@aaaaaaaaaaa1').waitFor();
  const give = (bytes: Uint8Array) =>
    page.setInputFiles('#file', { name: '<b>a.wav', mimeType: 'audio/wav', buffer: Buffer.from(bytes) });
  await give(encodeWav(tone(2), RATE));
  await page.locator('#result').waitFor();
  const labels = await page.locator('#bars li span:first-child').allTextContents();
  assert.deepEqual(labels.sort(), [...LABELS].sort());
  assert.equal(await page.locator('main img, main b').count(), 0);
  assert.equal(await page.title(), 'cryfold: classify a recording');
  await give(encodeWav(tone(100), RATE));
  await page.getByText(/larger than 1048576 bytes.*Send a shorter recording/).waitFor();
  process.kill(childOf(served), 'SIGSTOP');
  await give(CLIP);
  await page.getByText(/took longer than 3 s/).waitFor();
  served.process.kill('SIGKILL');
  await served.ended;
  await give(CLIP);
  await page.getByText(/did not respond. Check that it is running/).waitFor();
});
