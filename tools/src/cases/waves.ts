import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const formats = testsOf('packages/corpus/test/audio-formats.test.ts');
const wav = testsOf('packages/corpus/test/wav.test.ts');
const goldens = testsOf('packages/corpus/test/goldens/wav.json');
const reading = testsOf('packages/corpus/test/reading.test.ts');

/** Matches the description of a corpus that consists of the recording in question and a good one. */
const READ = /^2 clips of a, b; /;

const encodings = wav('reads what sox writes in every encoding');
const chunks = formats(
  'skips chunks after the samples, odd chunks with and without padding, and a truncated last frame',
);
const bits = formats('reads 12-bit and 20-bit samples, and 24 bits in 32, as left-justified');
const nothing = formats('explains why a file is not a recording');
const ending = reading(
  'reports ignored files by extension, recordings with a wrong extension, and recordings above full scale',
);
const rates = testsOf('packages/corpus/test/dataset-tools.test.ts')(
  'inspectDataset counts clips, seconds, rates, classes and groups',
);

const FILES: [name: string, expected: RegExp, tests: CoveringTest[]][] = [
  ['src', READ, encodings],
  ['b8', READ, encodings],
  ['b24', READ, encodings],
  ['b32', READ, encodings],
  ['f32', READ, encodings],
  ['f64', READ, encodings],
  ['alaw', READ, formats("['a-law.wav',")],
  ['mulaw', READ, formats("['mu-law.wav',")],
  ['imaadpcm', READ, formats("['ima.wav',")],
  ['msadpcm', READ, formats("['ms.wav',")],
  // Decoded by ffmpeg, if it is installed.
  [
    'gsm',
    /^2 clips|^DECODER_MISSING .*GSM 6\.10 needs ffmpeg/,
    formats('suggests sox commands whose output can be read'),
  ],
  ['r96k', READ, goldens('"rate-96000"')],
  ['r8k', READ, rates],
  ['r11k', READ, rates],
  ['r48k', READ, rates],
  ['c6', READ, goldens('"pcm16-3ch"')],
  ['c2', READ, goldens('"pcm16-2ch"')],
  ['aiff-renamed', READ, ending],
  ['w64', READ, formats("['x.w64',")],
  ['flac-renamed', READ, ending],
  ['junk-before', READ, chunks],
  ['bext-before', READ, chunks],
  ['list-before', READ, chunks],
  ['list-odd-nopad', READ, chunks],
  ['odd-padded', READ, chunks],
  ['list-after', READ, chunks],
  ['trailing-junk', READ, goldens('"chunks-after-data"')],
  ['fact-18byte-fmt', READ, goldens('"fact-before-data"')],
  ['ext-pcm', READ, goldens('"pcm16-1ch-extensible"')],
  ['ext-24in32', READ, bits],
  ['bits12', READ, bits],
  ['bits20', READ, bits],
  ['24in4', READ, bits],
  ['odd-data', READ, goldens('"odd-data-unpadded"')],
  ['data-odd-byte', READ, chunks],
  ['lastbyte-missing', READ, chunks],
  [
    'truncated',
    /^WAV_INVALID .*truncated: its header declares 132300 bytes of sound, but it has 59956/,
    goldens('"truncated-data"'),
  ],
  ['two-data', READ, chunks],
  ['wavl', /^WAV_INVALID .*truncated before its data chunk/, goldens('"no-data"')],
  ['zero', /^WAV_INVALID .*the file is empty/, nothing],
  ['header-only', /^WAV_EMPTY /, goldens('"no-samples"')],
  ['no-data', /^WAV_INVALID .*truncated before its data chunk/, goldens('"no-data"')],
  ['riff12', /^WAV_INVALID .*truncated before its data chunk/, goldens('"truncated-header"')],
  ['align-zero', /^WAV_INVALID .*a frame of 0 bytes/, goldens('"wrong-frame-size"')],
  ['html', /^WAV_INVALID .*it is text/, nothing],
  ['lfs', /^WAV_INVALID .*a Git LFS pointer/, nothing],
  // A big-endian header, but little-endian data
  ['rifx', /^DECODER_MISSING .*encoding 0x100|^WAV_INVALID /, formats("['rifx.wav',")],
  ['nan', /^WAV_NOT_FINITE .*sample 100 is NaN/, goldens('"float-nan"')],
  [
    'float-unscaled',
    /^WAV_SCALE .*but full scale is 1/,
    formats('refuses float samples far beyond full scale, and suggests a command that scales them'),
  ],
];

/** Makes the script skip the files that only ffmpeg can create if ffmpeg is not installed. */
const WITHOUT_FFMPEG = `
import os,shutil,subprocess
if not shutil.which('ffmpeg'):
    _run,_rename=subprocess.run,os.rename
    subprocess.run=lambda a,**k: None if a[0]=='ffmpeg' else _run(a,**k)
    os.rename=lambda a,b: _rename(a,b) if os.path.exists(a) else None
`;

const makeFiles = (bench: Bench) =>
  bench.once('27-wavs.py', async () => {
    await mkdir(bench.path('c'), { recursive: true });
    await bench.python('27-wavs.py', [bench.path('27')], (text) => `${WITHOUT_FFMPEG}${text}`);
    await copyFile(bench.path('c', '27src.wav'), bench.path('27', 'src.wav'));
    return bench.path('27');
  });

const file = ([name, expected, tests]: (typeof FILES)[number]): Case => ({
  ...{ name: `27 ${name}`, expected, tests },
  run: async (bench) => {
    const from = await makeFiles(bench);
    const corpus = bench.path('27x', name);
    for (const [label, recording] of Object.entries({ a: name, b: 'src' })) {
      await mkdir(join(corpus, label), { recursive: true });
      await copyFile(join(from, `${recording}.wav`), join(corpus, label, `${recording}.wav`));
    }
    return bench.inspect(corpus);
  },
});

/** Size in bytes of the recording in case 17. The file is sparse, so it takes hardly any space on disk. */
const HUGE = 2_500_000_000;

const huge: Case = {
  name: '17 a WAV of 2.5 GB',
  run: async (bench) => {
    const corpus = bench.path('17');
    for (const label of ['a', 'b']) await mkdir(join(corpus, label), { recursive: true });
    await bench.python('17-big.py', [join(corpus, 'a', 'big.wav'), String(HUGE)]);
    await bench.make('base.py');
    await copyFile(join(bench.path('base'), 'low', 'l000.wav'), join(corpus, 'b', 'b.wav'));
    const answer = await bench.cryfold(['data', 'inspect', corpus, '--json'], { seconds: 600 });
    if (answer.code !== 0) return bench.failure(answer);
    const memory = answer.peak < 300 ? 'below 300 MiB' : `${Math.round(answer.peak)} MiB`;
    return `${JSON.parse(answer.stdout).clips} clips; memory ${memory}`;
  },
  expected: /^2 clips; memory below 300 MiB$/,
  tests: reading('memory does not grow with the length of a recording'),
};

export const waves: CaseGroup = {
  inputs: ['17-big.py', '27-run.sh', '27-wavs.py'],
  cases: [huge, ...FILES.map(file)],
};
