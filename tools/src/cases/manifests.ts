import type { Bench } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';

const manifest = testsOf('packages/corpus/test/manifest.test.ts');
const groups = testsOf('packages/corpus/test/groups.test.ts');
const names = testsOf('packages/corpus/test/names.test.ts');
const problems = testsOf('packages/corpus/test/problems.test.ts');

/** Matches the description of a table that cryfold reads as intended. */
const READ = /^12 clips of high, low; 3 groups by column; read as manifest$/;

const same = manifest('refuses a file that is listed under two spellings, and shows both lines and both spellings');
const noFile = manifest('explains why a path is not a file');
const encoding = manifest('refuses other encodings and reports the line, since different words could become equal');
const ragged = manifest('refuses columns with the same name, and rows that lack a field');
const column = groups('finds manifest columns despite case and blanks, lists ignored ones, and suggests group columns');
const alike = names('reads labels that look alike as one class, and shows the difference in a warning');
const kept = names('reports names that are equal as numbers or look like missing values, but keeps them separate');
const oneName = names(
  'converts a name to one spelling, regardless of white space, invisible characters and Unicode form',
);

const TABLES: [name: string, expected: RegExp, tests: CoveringTest[]][] = [
  ['ok', READ, manifest('the same table produces the same dataset')],
  ['header-case', READ, column],
  ['header-Group', READ, column],
  ['header-infant', /groups not known; .*pass --group-by "infant"/, column],
  ['header-subject', /groups not known; .*pass --group-by "subject_id"/, column],
  ['header-groups', /groups not known; .*pass --group-by "groups"/, column],
  ['header-space', READ, column],
  ['header-trail', READ, manifest('with blanks in the header')],
  ['header-dup', /^DATA_MANIFEST_INVALID .*:1: two columns are named group/, ragged],
  ['header-label2', /^DATA_MANIFEST_INVALID .*:1: two columns are named label/, ragged],
  ['no-header', /^DATA_MANIFEST_INVALID .*:1: there is no column path/, manifest('reports that a table has no header')],
  ['label-trail', READ, oneName],
  ['label-lead', /^12 clips of high, low; 3 .*class "low" has 2 spellings that look alike/, alike],
  [
    'label-case',
    /^12 clips of High, Low; 3 .*differ in case only/,
    names('treats names that differ only in case as the most frequent one, and warns'),
  ],
  ['label-nfc-nfd', /^12 clips of b\u00e9b\u00e9, high; 3 .*2 spellings that look alike/, alike],
  ['label-nbsp', /^12 clips of high, low; 3 .*"low\\u00a0"/, alike],
  ['label-zwsp', /^12 clips of high, low; 3 .*"low\\u200b"/, alike],
  [
    'group-trail',
    /^12 clips of high, low; 3 .*group "g0" has 2 spellings/,
    names('treats names that differ only in case as the most frequent one, and warns'),
  ],
  ['group-zeros', /; 6 groups by column; .*"0", "000" are equal as numbers/, kept],
  ['group-na', /; 2 groups by column; .*group "NA" looks like a missing value/, kept],
  [
    'group-partly',
    /; 9 groups by column; .*6 of 12 recordings have no group/,
    groups('treats the groups of a manifest as unknown if all are empty, and otherwise counts the empty ones'),
  ],
  ['path-nfc', /^13 clips of high, low; 4 groups/, manifest('finds a file by its path in either Unicode form')],
  ['path-nfd', /^13 clips of high, low; 4 groups/, manifest('finds a file by its path in either Unicode form')],
  ['path-trail', READ, manifest('with blanks around paths')],
  ['path-lead', READ, manifest('with blanks after commas')],
  ['semicolon', READ, manifest('with semicolons')],
  ['tab', READ, manifest('with tabs')],
  ['tab-as-csv', READ, manifest('with tabs')],
  ['backslash', READ, manifest('with Windows paths')],
  ['empty-tail', READ, manifest('with empty rows and columns')],
  ['comma-tail', READ, manifest('with empty rows and columns')],
  ['comma-mid', READ, manifest('with an empty row between')],
  ['space-tail', READ, manifest('with empty rows and columns')],
  ['utf16', READ, manifest('in UTF-16')],
  ['utf16le-nobom', /^DATA_MANIFEST_INVALID .*:1: .*UTF-16LE without a byte order mark/, encoding],
  ['utf8bom', READ, manifest('in UTF-8 with a byte order mark')],
  ['latin1', /^DATA_MANIFEST_INVALID .*:2: .*probably Latin-1/, encoding],
  ['crlf', READ, manifest('with CRLF')],
  ['cr', READ, manifest('with CR')],
  ['quoted-nl', /^12 clips of high, lo w; 3 groups/, manifest('with line ends in quoted labels')],
  ['quoted', READ, manifest('with quoted fields')],
  ['quote-space', READ, manifest('with blanks around quoted fields')],
  ['absolute', READ, manifest('reads an absolute path, and keeps its id')],
  ['abs-and-rel', /^DATA_MANIFEST_INVALID .*:14: .* is also on line 2, as w\/low0\.wav/, same],
  ['dotdot', READ, manifest('with dots in paths')],
  ['dup', /^DATA_MANIFEST_INVALID .*:14: w\/low0\.wav is also on line 2/, same],
  ['dup-dot', /^DATA_MANIFEST_INVALID .*:14: \.\/w\/low0\.wav is also on line 2/, same],
  ['dup-dotdot', /^DATA_MANIFEST_INVALID .*:14: w\/\.\.\/w\/low0\.wav is also on line 2/, same],
  ['two-labels', /^DATA_MANIFEST_INVALID .*:14: w\/low0\.wav is also on line 2/, same],
  ['symlink-dup', /^DATA_MANIFEST_INVALID .*:14: link\.wav is also on line 2/, same],
  ['case-path', /^DATA_BAD .*W\/LOW0\.WAV is not a file; did you mean w\/low0\.wav, which differs in case/, noFile],
  [
    'missing3',
    /^DATA_BAD .*3 of 15 recordings.*no1\.wav.*no2\.wav.*no3\.wav/,
    problems('reports several bad recordings of a dataset at once'),
  ],
  ['ragged', /^DATA_MANIFEST_INVALID .*:14: 2 fields under 3 columns/, ragged],
  ['comment', /^DATA_MANIFEST_INVALID .*:14: 1 field under 3 columns/, ragged],
  ['num-label', /^12 clips of 0, 1; 3 groups by column; read as manifest$/, manifest('accepts numbers as labels')],
  ['float-label', /^12 clips of 0, 1, 1\.0; .*are equal as numbers, but are different classes/, kept],
  ['tilde', /^DATA_BAD .*~ is not expanded/, noFile],
  ['fileurl', /^DATA_BAD .*is a URL/, noFile],
  [
    'mp3',
    /^WAV_INVALID x\.mp3: contains no MP3 sound/,
    testsOf('packages/corpus/test/audio-formats.test.ts')('explains why a file is not a recording'),
  ],
  ['starttime', /ignored columns: "start", "end"/, column],
  ['dir', /^DATA_MANIFEST_INVALID .*:14: w is not a file: it is a directory/, noFile],
];

const tables = TABLES.map(
  ([name, expected, tests]): Case => ({
    ...{ name: `14 ${name}`, expected, tests },
    run: async (bench) => bench.inspect(`${await bench.make('14-manifest.py')}/${name}.csv`),
  }),
);

const header = async (bench: Bench, name: string, ...flags: string[]) =>
  bench.inspect(`${await bench.make('14b-infant-header.py')}/${name}.csv`, ...flags);

export const manifests: CaseGroup = {
  inputs: ['14-manifest.py', '14b-infant-header.py'],
  cases: [
    ...tables,
    {
      name: '14b group',
      run: (bench) => header(bench, 'group'),
      expected: /^36 clips of high, low; 6 groups by column; read as manifest$/,
      tests: column,
    },
    {
      name: '14b Group',
      run: (bench) => header(bench, 'Group'),
      expected: /^36 clips of high, low; 6 groups by column; read as manifest$/,
      tests: column,
    },
    {
      name: '14b infant',
      run: (bench) => header(bench, 'infant'),
      expected: /groups not known; .*pass --group-by "infant"/,
      tests: column,
    },
    {
      name: '14b infant, as the hint says',
      run: (bench) => header(bench, 'infant', '--group-by', 'infant'),
      expected: /^36 clips of high, low; 6 groups by column; read as manifest$/,
      tests: testsOf('test/src/groups.test.ts')('reports an unread manifest column, and uses it on request'),
    },
    {
      name: '14b latin1-merge',
      run: (bench) => header(bench, 'latin1-merge'),
      expected: /^DATA_MANIFEST_INVALID .*:2: .*probably Latin-1/,
      tests: encoding,
    },
  ],
};
