import { element, find, time } from './dom.js';

export interface Model {
  name: string;
  version: string;
  notice: string;
  limits: string[];
  features: { kind?: string; height: number; width: number; clipSeconds: number };
  data: { rates?: { rate: number; clips: number }[] };
}

export interface PredictedWindow {
  start: number;
  end: number;
  label: string;
  probabilities: Record<string, number>;
  unlike?: boolean;
  /** If there are many windows, only the first ones have an image */
  image?: string;
}

export interface Prediction {
  rate: number;
  resampledTo?: number;
  seconds: number;
  windows: PredictedWindow[];
  silent: { start: number; end: number }[];
  unlike?: boolean;
  mean?: { label: string; probabilities: Record<string, number> };
}

/** Maximum width in pixels. Some browsers do not render a wider canvas. */
const WIDEST = 32_000;

/** Draws the input images of the model side by side, with gaps for silence. */
export function drawSpectrogram({ windows, silent, rate, resampledTo }: Prediction, model: Model): void {
  const { height, width } = model.features;
  const canvas = find<HTMLCanvasElement>('spectrogram');
  const seen = windows.filter(({ image }) => image !== undefined);
  const end = seen.length < windows.length ? windows[seen.length].start : Number.POSITIVE_INFINITY;
  const starts = [...seen, ...silent.filter(({ start }) => start < end)]
    .map(({ start }) => start)
    .sort((a, b) => a - b)
    .slice(0, Math.floor(WIDEST / width));
  canvas.height = height;
  canvas.width = width * starts.length;
  canvas.style.width = `${Math.min(480, Math.max(150, 800 / starts.length)) * starts.length}px`;
  canvas.setAttribute('aria-label', `Spectrogram of ${starts.length} windows, low frequencies at the bottom`);
  showTimes(starts);
  showFrequencies(resampledTo ?? rate, model);
  const context = canvas.getContext('2d');
  for (const { start, image } of seen) {
    if (!image || !starts.includes(start)) continue;
    const rgb = atob(image);
    const pixels = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = rgb.charCodeAt(3 * i + c);
      pixels.data[4 * i + 3] = 255;
    }
    context?.putImageData(pixels, starts.indexOf(start) * width, 0);
  }
  const all = windows.length + silent.length;
  const first = starts.length < all ? ` Only the first ${starts.length} of ${all} windows are shown.` : '';
  find('caption').textContent =
    `Input of the model: ${width} x ${height} pixels per window of ${time(model.features.clipSeconds)}.${first}`;
}

/** Labels each window with its start time. */
function showTimes(starts: readonly number[]): void {
  const labels = starts.map((start, i) => {
    const label = element('span', `${start.toFixed(1)} s`);
    label.style.left = `${(100 * i) / starts.length}%`;
    return label;
  });
  find('times').replaceChildren(...labels);
}

/**
 * Labels the highest, middle and lowest frequency. Other kinds of images do not have a linear frequency scale, so they
 * get no labels.
 */
function showFrequencies(rate: number, { features }: Model): void {
  const isLinear = (features.kind ?? 'spectrogram') === 'spectrogram';
  const labels = isLinear ? [rate / 2, rate / 4, 0].map((hertz) => `${(hertz / 1000).toFixed(1)} kHz`) : [];
  find('frequencies').replaceChildren(...labels.map((text) => element('span', text)));
}
