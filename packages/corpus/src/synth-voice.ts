import type { Random } from '@cryfold/core';

/** Parameters of a cry. Classes differ in their means, and infants and clips vary around them. */
export interface Pattern {
  /** log2 seconds of one burst (an expiration) */
  burst: number;
  /** log2 seconds of the pause after it */
  pause: number;
  /** semitones above the voice's own pitch */
  shift: number;
  /** semitones by which the melody rises in the middle of a burst */
  rise: number;
  /** semitones by which the melody has fallen by the end of a burst */
  fall: number;
  /** share of a burst that is rough: jittery, breathy, and with a subharmonic */
  rough: number;
  /** vocal effort: log2 of the cut-off frequency in Hz of the low-pass filter after the glottis */
  effort: number;
  /** log2 of the breath noise relative to the voice */
  breath: number;
  /** log2 of the factor that scales the formants, which is higher for a wide-open mouth */
  mouth: number;
  /** octaves of loudness lost within a burst */
  decay: number;
}

/** What all recordings of an infant share: the voice, the room and the microphone. */
export interface Voice {
  /** fundamental frequency in Hz; newborns cry at about 350-550 Hz */
  pitch: number;
  /** factor that scales all formants, which is higher for a shorter vocal tract */
  tract: number;
  /** vibrato in Hz, and its depth in semitones */
  vibrato: { rate: number; depth: number };
  /**
   * background noise (standard deviation, full scale 1), and the pole of the filter that colours it, from 0 (white) to
   * 1 (rumble)
   */
  noise: { level: number; colour: number };
  /** one decaying echo: delay in seconds, and feedback */
  echo: { delaySeconds: number; feedback: number };
  /** peak level, full scale 1 */
  level: number;
  /** how the infant deviates from the pattern of its class */
  habit: Pattern;
}

/** The length of a clip and its sampling rate. */
interface ClipLength {
  /** samples */
  length: number;
  /** samples per second */
  rate: number;
}

/** A resonance of the vocal tract. */
interface Formant {
  /** Hz */
  frequency: number;
  /** bandwidth in Hz */
  width: number;
  /** approximate height of the peak */
  gain: number;
}

type Row = readonly number[];
const FIELDS = ['burst', 'pause', 'shift', 'rise', 'fall', 'rough', 'effort', 'breath', 'mouth', 'decay'] as const;

/**
 * Cry patterns by Chillanto class code, in the order of FIELDS. They are invented, and only loosely based on published
 * descriptions of such cries (pain: long, high and tense; asphyxia: short, weak and rough; deaf: flat and long; hunger:
 * rhythmic with a melody). They say nothing about real infants.
 * The spreads are tuned so that classes overlap and voices identify infants; see the figures at `synthesizeCorpus`.
 */
const PATTERNS: Readonly<Record<string, Row>> = {
  '000': [-0.9, -1.6, -1, 2, 2.5, 0.1, 9.8, -4.5, 0, 1],
  '001': [-1.4, -2.1, 1, 4.5, 5, 0.15, 10.6, -4.5, 0.1, 1.4],
  '002': [-0.3, -2.7, 5, 1.5, 3, 0.5, 11.4, -3.5, 0.2, 0.6],
  '010': [-0.4, -1.9, -4, 0.5, 0.5, 0.2, 9.2, -3.8, -0.2, 0.4],
  '030': [-2, -2.4, 3, 0.5, 6.5, 0.6, 9.2, -2.2, -0.1, 2.2],
};
/** Standard deviation between the infants of a class, and between the clips of an infant. */
const BETWEEN_INFANTS: Row = [0.3, 0.3, 1.7, 1, 1.2, 0.1, 0.45, 0.6, 0.08, 0.4];
const BETWEEN_CLIPS: Row = [0.45, 0.45, 1.6, 1.4, 1.7, 0.15, 0.55, 0.7, 0.06, 0.5];

/**
 * Formants near 1.2 and 3.5 kHz, where a uniform tube as long as a newborn's vocal tract (7.5 cm) resonates. Each row
 * has the frequency in Hz, the bandwidth in Hz and the gain.
 */
const FORMANTS = [
  [1150, 160, 1],
  [2900, 260, 0.6],
  [4400, 400, 0.3],
] as const;

/**
 * Pitch is computed once per this number of samples (0.7 ms), because computing it for each sample would take half of
 * the total time.
 */
const CONTROL = 8;

function spread(center: Row, deviation: Row, random: Random): Pattern {
  const drawn = FIELDS.map((field, i) => [field, random.normal(center[i], deviation[i])]);
  return Object.fromEntries(drawn) as unknown as Pattern;
}

/**
 * Generates a random voice for an infant.
 * @param code Chillanto class code
 */
export function drawVoice(code: string, random: Random): Voice {
  return {
    pitch: 430 * 2 ** random.normal(0, 0.15),
    tract: 2 ** random.normal(0, 0.08),
    vibrato: { rate: random.uniform(4, 9), depth: random.uniform(0, 0.6) },
    noise: { level: 10 ** random.uniform(-3, -2.3), colour: random.uniform(0, 0.9) },
    echo: { delaySeconds: random.uniform(0.006, 0.05), feedback: random.uniform(0.05, 0.5) },
    level: 10 ** random.uniform(-0.5, -0.15),
    habit: spread(PATTERNS[code], BETWEEN_INFANTS, random),
  };
}

/**
 * Generates one random clip of a cry: a sawtooth glottis with breath noise, a low-pass filter, three formants, echo,
 * and background noise.
 * @param length samples
 * @param rate samples per second
 * @returns samples within +-1
 */
export function drawCry(voice: Voice, length: number, rate: number, random: Random): Float64Array {
  const habit = FIELDS.map((field) => voice.habit[field]);
  const pattern = spread(habit, BETWEEN_CLIPS, random);
  const source = drawBursts(voice, pattern, { length, rate }, random);
  const pole = Math.exp((-2 * Math.PI * 2 ** pattern.effort) / rate);
  for (let i = 0, y = 0; i < length; i++) source[i] = y += (1 - pole) * (source[i] - y);
  const out = new Float64Array(length);
  for (const [frequency, width, gain] of FORMANTS) {
    const factor = voice.tract * 2 ** (pattern.mouth + random.normal(0, 0.03));
    resonate(source, out, { frequency: Math.min(frequency * factor, 0.47 * rate), width, gain }, rate);
  }
  addRoom(out, voice, rate, random);
  return out;
}

/**
 * Returns a random sample of white noise with the given standard deviation. The distribution is uniform, which is
 * faster and makes no visible or audible difference.
 */
function hiss(random: Random, deviation: number): number {
  return random.uniform(-1.7320508, 1.7320508) * deviation;
}

/** Generates the sound at the glottis, which consists of bursts and pauses and starts somewhere within a burst. */
function drawBursts(voice: Voice, pattern: Pattern, { length, rate }: ClipLength, random: Random): Float64Array {
  const out = new Float64Array(length);
  const pitch = voice.pitch * 2 ** (pattern.shift / 12);
  const roughness = Math.max(0, Math.min(1, pattern.rough));
  const breath = 2 ** pattern.breath;
  let start = -random.uniform() * 2 ** pattern.burst;
  let phase = random.uniform();
  let odd = false;
  let jitter = 0;
  while (start * rate < length) {
    const burst = 2 ** (pattern.burst + random.normal(0, 0.25));
    const lift = random.normal(0, 0.7);
    const roughFrom = random.uniform(0, 1 - roughness);
    const end = Math.min(length, Math.round((start + burst) * rate));
    let step = 0;
    let loudness = 0;
    let rough = false;
    for (let i = Math.max(0, Math.round(start * rate)), control = 0; i < end; i++, control--) {
      if (control === 0) {
        control = CONTROL;
        const time = i / rate - start;
        const u = time / burst;
        rough = u > roughFrom && u < roughFrom + roughness;
        jitter = 0.85 * jitter + random.normal(0, rough ? 0.32 : 0.053);
        const vibrato = voice.vibrato.depth * Math.sin((2 * Math.PI * voice.vibrato.rate * i) / rate);
        const melody = lift + pattern.rise * Math.sin(Math.PI * u) - pattern.fall * u * u;
        step = (pitch * 2 ** ((melody + vibrato + jitter) / 12)) / rate;
        loudness = Math.min(1, time / 0.03, (burst - time) / 0.05) * 2 ** (-pattern.decay * u);
      }
      phase += step;
      if (phase >= 1) {
        phase -= 1;
        odd = !odd;
      }
      const pulse = 2 * phase - 1 - blep(phase, step) + hiss(random, rough ? 4 * breath : breath);
      out[i] = (rough && odd ? 0.45 : 1) * loudness * pulse;
    }
    start += burst + 2 ** (pattern.pause + random.normal(0, 0.25));
  }
  return out;
}

/**
 * Returns the correction that a polynomial band-limited step (Valimaki, 2007) applies to the jump of a sawtooth. `step`
 * is the phase increment.
 */
function blep(phase: number, step: number): number {
  if (phase < step) return -((phase / step - 1) ** 2);
  if (phase > 1 - step) return ((phase - 1) / step + 1) ** 2;
  return 0;
}

/** Filters `source` with a formant (a resonating two-pole filter), and adds the result to `out`; `rate` in Hz. */
function resonate(source: Float64Array, out: Float64Array, { frequency, width, gain }: Formant, rate: number): void {
  const radius = Math.exp((-Math.PI * width) / rate);
  const angle = (2 * Math.PI * frequency) / rate;
  const a = gain * (1 - radius) * 2 * Math.sin(angle);
  const b = 2 * radius * Math.cos(angle);
  const c = -radius * radius;
  for (let i = 0, y1 = 0, y2 = 0; i < source.length; i++) {
    const y = a * source[i] + b * y1 + c * y2;
    y2 = y1;
    y1 = y;
    out[i] += y;
  }
}

/** Adds echo and background noise and sets the level, in place. */
function addRoom(samples: Float64Array, voice: Voice, rate: number, random: Random): void {
  const delay = Math.round(voice.echo.delaySeconds * rate);
  let peak = 1e-9;
  for (let i = 0; i < samples.length; i++) {
    if (i >= delay) samples[i] += voice.echo.feedback * samples[i - delay];
    peak = Math.max(peak, Math.abs(samples[i]));
  }
  const gain = (voice.level * 2 ** random.normal(0, 0.3)) / peak;
  const { level, colour } = voice.noise;
  let background = 0;
  for (let i = 0; i < samples.length; i++) {
    background = colour * background + hiss(random, level * Math.sqrt(1 - colour * colour));
    samples[i] = Math.max(-1, Math.min(1, gain * samples[i] + background));
  }
}
