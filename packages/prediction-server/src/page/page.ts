// The script of the page. It runs in the browser, and imports only files that are served with it.
import { element, find, time } from './dom.js';
import { drawSpectrogram, type Model, type Prediction } from './spectrogram.js';
import { encode, isWav } from './wav.js';

interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** Maximum duration of a recording in seconds. */
const LONGEST_SECONDS = 30;
/** Rate in Hz to use if the model does not specify one. */
const USUAL_RATE = 44100;

/** Text shown in place of a window's class. */
const UNLIKE = 'unlike the training data';

const percent = (p: number) => `${(100 * p).toFixed(1)} %`;

let model: Model;
let playing: string | undefined;

function say(text: string): void {
  find('status').textContent = text;
}

function fail(text: string): void {
  const error = find('error');
  error.textContent = text;
  error.hidden = text === '';
}

class Refused extends Error {
  readonly code: string;

  constructor({ code, message, hint }: Failure) {
    super(hint ? `${message}. ${hint}` : message);
    this.code = code;
  }
}

/** Parses a response. @throws Refused with the server's error */
async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({}))) as T & { error?: Failure };
  if (response.ok) return body;
  throw new Refused(
    body.error ?? { code: String(response.status), message: `the server responded with status ${response.status}` },
  );
}

/** Replaces the unhelpful message that browsers show when a connection fails. */
async function ask(path: string, options?: RequestInit): Promise<Response> {
  return fetch(path, options).catch(() => {
    throw new Error('The service did not respond. Check that it is running, and try again.');
  });
}

async function predict(wav: Blob): Promise<Prediction> {
  const response = await ask('/api/v1/predict?images=true', {
    method: 'POST',
    headers: { 'content-type': 'audio/wav' },
    body: wav,
  });
  return (await answerOf<{ predictions: Prediction[] }>(response)).predictions[0];
}

/** Converts any sound that the browser can play to a mono WAV file at the most frequent rate of the training data. */
async function convert(sound: Blob): Promise<Blob> {
  const rates = [...(model.data.rates ?? [])].sort((a, b) => b.clips - a.clips);
  const rate = rates[0]?.rate ?? USUAL_RATE;
  const context = new OfflineAudioContext(1, 1, rate);
  const buffer = await context.decodeAudioData(await sound.arrayBuffer()).catch(() => {
    throw new Error('This browser cannot decode the file. Choose a WAV, MP3, Ogg or M4A file.');
  });
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    buffer.getChannelData(channel).forEach((value, i) => {
      samples[i] += value / buffer.numberOfChannels;
    });
  }
  return encode(samples, rate);
}

/**
 * A WAV file is sent unchanged, so that the model gets its exact samples. Files that the server cannot read are
 * converted.
 */
async function classify(sound: Blob, name: string): Promise<void> {
  fail('');
  say(`classifying ${name}…`);
  try {
    let sent = (await isWav(sound)) ? sound : await convert(sound);
    let converted = sent !== sound;
    let prediction: Prediction;
    try {
      prediction = await predict(sent);
    } catch (error) {
      if (!(error instanceof Refused) || converted || !['RATE_UNKNOWN', 'WAV_INVALID'].includes(error.code))
        throw error;
      sent = await convert(sound);
      converted = true;
      prediction = await predict(sent);
    }
    show(prediction, sent, name, converted);
    say('');
  } catch (error) {
    say('');
    if (isLoggedOut(error)) askForToken();
    else fail((error as Error).message);
  }
}

/**
 * Whether an error means that the service requires a token, or no longer accepts the session. Tokens may be replaced
 * while the service runs.
 */
const isLoggedOut = (error: unknown) => error instanceof Refused && error.code === 'API_UNAUTHORIZED';

function askForToken(): void {
  find('model').textContent = 'This service requires a token.';
  for (const id of ['notice', 'give', 'result', 'limits-part']) find(id).hidden = true;
  find('login').hidden = false;
  find('token').focus();
}

async function logIn(): Promise<void> {
  const token = find<HTMLInputElement>('token');
  const error = find('login-error');
  error.hidden = true;
  try {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ token: token.value.trim() });
    const response = await ask('/api/v1/session', { method: 'POST', headers, body });
    if (!response.ok) await answerOf(response);
    token.value = '';
    await load();
  } catch (thrown) {
    error.textContent = isLoggedOut(thrown) ? 'The service does not accept this token.' : (thrown as Error).message;
    error.hidden = false;
  }
}

function show(prediction: Prediction, sent: Blob, name: string, converted: boolean): void {
  const { windows, silent, rate, resampledTo, seconds } = prediction;
  const mean = prediction.mean ?? { label: '', probabilities: {} };
  find('heading').textContent = prediction.unlike
    ? `Unlike the training data${windows.length === 0 ? ': silence' : ''}`
    : `${mean.label}, ${percent(mean.probabilities[mean.label])}`;
  const like = windows.filter(({ unlike }) => !unlike).length || windows.length;
  const many = windows.length > 1 ? `, the mean of ${like} windows (such means were not evaluated)` : '';
  const at = resampledTo === undefined ? '' : `, resampled to ${resampledTo} Hz, the rate of the training data`;
  find('about').textContent =
    `${name}: ${time(seconds)} at ${rate} Hz${converted ? ' (converted in the browser)' : ''}${at}${many}`;
  if (playing) URL.revokeObjectURL(playing);
  playing = URL.createObjectURL(sent);
  find<HTMLAudioElement>('player').src = playing;
  drawSpectrogram(prediction, model);
  const sorted = Object.entries(mean.probabilities).sort(([, a], [, b]) => b - a);
  find('bars').replaceChildren(...sorted.map(([label, p]) => bar(label, p)));
  const classes = Object.keys(mean.probabilities);
  find('columns').replaceChildren(...['time', 'class', ...classes].map((text) => heading(text)));
  const rows = [
    ...windows.map((one) => ({
      ...one,
      cells: [one.unlike ? UNLIKE : one.label, ...classes.map((label) => percent(one.probabilities[label]))],
    })),
    ...silent.map((one) => ({ ...one, cells: ['silent', ...classes.map(() => '')] })),
  ].sort((a, b) => a.start - b.start);
  find('windows').replaceChildren(
    ...rows.map(({ start, end, cells }) => {
      const row = document.createElement('tr');
      row.append(element('td', `${start.toFixed(1)} to ${time(end)}`), ...cells.map((cell) => element('td', cell)));
      return row;
    }),
  );
  find('windows-part').hidden = rows.length < 2;
  // An SVM predicts the class with the largest decision value, as in the evaluation.
  const unlike = windows.some(
    ({ label, probabilities }) => probabilities[label] < Math.max(...Object.values(probabilities)),
  );
  find('unlike').hidden = !unlike;
  find('result').hidden = false;
  find('heading').focus();
}

function heading(text: string): HTMLElement {
  const cell = element('th', text);
  cell.setAttribute('scope', 'col');
  return cell;
}

function bar(label: string, p: number): HTMLElement {
  const item = document.createElement('li');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 100 1');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  rect.setAttribute('width', String(100 * p));
  rect.setAttribute('height', '1');
  svg.append(rect);
  item.append(element('span', label), svg, element('span', percent(p), 'number'));
  return item;
}

let recorder: MediaRecorder | undefined;

async function toggleRecording(): Promise<void> {
  if (recorder) return recorder.stop();
  fail('');
  const button = find<HTMLButtonElement>('record');
  try {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const parts: Blob[] = [];
    const current = new MediaRecorder(stream);
    recorder = current;
    const timer = setTimeout(() => current.stop(), LONGEST_SECONDS * 1000);
    current.ondataavailable = ({ data }) => parts.push(data);
    current.onstop = () => {
      clearTimeout(timer);
      for (const track of stream.getTracks()) track.stop();
      recorder = undefined;
      button.textContent = 'Record';
      button.setAttribute('aria-pressed', 'false');
      void classify(new Blob(parts, { type: current.mimeType }), 'your recording');
    };
    current.start();
    button.textContent = 'Stop and classify';
    button.setAttribute('aria-pressed', 'true');
    say(`recording, at most ${LONGEST_SECONDS} s`);
  } catch (error) {
    fail(`Cannot use the microphone: ${(error as Error).message}`);
  }
}

function listen(): void {
  find('login').addEventListener('submit', (event) => {
    event.preventDefault();
    void logIn();
  });
  const drop = find('drop');
  const input = find<HTMLInputElement>('file');
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) void classify(file, file.name);
    input.value = '';
  });
  for (const kind of ['dragover', 'dragleave', 'drop'] as const) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', kind === 'dragover');
      const file = kind === 'drop' ? event.dataTransfer?.files[0] : undefined;
      if (file && !find('give').hidden) void classify(file, file.name);
    });
  }
  const record = find<HTMLButtonElement>('record');
  // Browsers allow recording only on https or localhost.
  if (!navigator.mediaDevices) {
    record.disabled = true;
    record.title = 'Recording needs https';
  }
  record.addEventListener('click', () => void toggleRecording());
}

async function load(): Promise<void> {
  try {
    model = await answerOf<Model>(await ask('/api/v1/model'));
    find('model').textContent = `${model.name}@${model.version}`;
    find('notice').textContent = model.notice;
    find('limits').replaceChildren(...model.limits.map((limit) => element('li', limit)));
    find('login').hidden = true;
    for (const id of ['notice', 'give', 'limits-part']) find(id).hidden = false;
  } catch (error) {
    if (isLoggedOut(error)) return askForToken();
    find('give').hidden = false;
    fail((error as Error).message);
  }
}

listen();
void load();
