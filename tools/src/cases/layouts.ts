import type { Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const layout = testsOf('packages/corpus/test/layouts.test.ts');
const walk = testsOf('packages/corpus/test/walk.test.ts');

const urban = layout(
  'UrbanSound8K: reads class, fsID and fold from its table or file names, and reports a file in the wrong fold',
);
const esc = layout('ESC-50: reads category, source and fold from its table, or without it from file names');
const links = walk('reads each file and folder once, under its own path rather than the path of a link');
const hidden = walk('finds recordings in all folders, sorted, without hidden files and metadata of other systems');
const wrapped = layout(
  'treats speaker folders that contain class folders as groups, and class folders inside a wrapper folder as classes',
);

const FOLDERS = /^20 clips of high, low; groups not known; read as folders$/;

const TREES: [name: string, expected: RegExp, tests: CoveringTest[]][] = [
  ['urban', /^20 clips of air_conditioner, car_horn; 20 groups .* urbansound8k; .*--protocol predefined/, urban],
  ['urban/audio', /^20 clips of air_conditioner, car_horn; 20 groups .* urbansound8k; .*--protocol predefined/, urban],
  ['esc', /^20 clips of 0, 1; 20 groups .* esc50; .*esc50\.csv is missing.*--protocol predefined/, esc],
  ['esc/audio', /^20 clips of 0, 1; 20 groups .* esc50; .*esc50\.csv is missing.*--protocol predefined/, esc],
  [
    'tt',
    /^20 clips of high, low; .* split-folders; .*--protocol predefined/,
    layout('reads train, validation and test folders at any depth as a split, and trains on validation clips'),
  ],
  [
    'nested',
    /^LAYOUT_UNCLEAR .*--layout folders.*--layout inner-folders/,
    layout('rejects ambiguous folder layouts and shows both interpretations, unless --layout selects one'),
  ],
  ['hidden', FOLDERS, hidden],
  ['wrapped', FOLDERS, wrapped],
  [
    'persubj',
    /^20 clips of high, low; groups not known; .*pass --group-by folder/,
    testsOf('packages/corpus/test/groups.test.ts')(
      '--group-by groups by recording, folder or pattern, and reports files without a group',
    ),
  ],
  ['subjfirst', /^20 clips of high, low; 6 groups by folder; read as group-folders$/, wrapped],
  [
    'flat',
    /^DATA_BAD .*20 of 20 recordings.*is not in a class folder/,
    layout('rejects recordings without folders whose names do not contain a class'),
  ],
  ['sym', FOLDERS, links],
  [
    'loop',
    FOLDERS,
    testsOf('packages/corpus/test/dataset.test.ts')(
      'reads each folder once, despite circular links, and reports the links',
    ),
  ],
  [
    'symfile',
    /^6 clips of high, low; groups not known; read as folders$/,
    walk('skips anything that is not a file, and reports its path and the cause'),
  ],
  ['mixsym', /^30 clips of high, low, third; groups not known; read as folders$/, links],
  ['rootlink', FOLDERS, layout('reads a directory through a link to it')],
];

const makeTrees = (bench: Bench) =>
  bench.once('03-layouts.sh', async () => {
    // Skips the last line of the script, which inspects the created files.
    await bench.shell('03-layouts.sh', (text) => text.replace(/^for d in .*/m, ''));
    return bench.path('c', '03');
  });

export const layouts: CaseGroup = {
  inputs: ['03-layouts.sh', '03-list.mjs'],
  cases: TREES.map(
    ([name, expected, tests]): Case => ({
      ...{ name: `03 ${name}`, expected, tests },
      run: async (bench) => bench.inspect(`${await makeTrees(bench)}/${name}`),
    }),
  ),
};
