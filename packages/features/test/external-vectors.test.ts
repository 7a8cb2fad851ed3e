import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CryfoldError, encodeNpy } from '@cryfold/core';
import { type FeatureSet, featureKindOf, featureSetSchema, type GivenClips } from '@cryfold/features/kinds';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cryfold-vectors-'));
});
after(() => rm(folder, { recursive: true }));

const CLIPS: GivenClips = { ids: ['a.wav#0', 'a.wav#1', 'b/c.wav#0'], leftOut: ['d.wav#0'], skipped: new Set() };
const set = featureSetSchema.parse({ kind: 'external', file: 'vectors.npy', clips: 'ids.csv' });

async function read(
  ids: string,
  vectors: number[][],
  clips: Partial<GivenClips> = {},
): Promise<{ parameters: FeatureSet; rows: { shape: number[]; data: Uint8Array | Float32Array } }> {
  await writeFile(join(folder, 'ids.csv'), ids);
  const data = Float64Array.from(vectors.flat());
  await writeFile(join(folder, 'vectors.npy'), encodeNpy(data, [vectors.length, vectors[0].length]));
  return featureKindOf(set).given!.read(set, folder, { ...CLIPS, ...clips });
}

test('sorts external vectors into the order of the clips', async () => {
  const { rows, parameters } = await read('clip\na.wav#1\nb/c.wav#0\na.wav#0\n', [
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  assert.deepEqual(rows, { shape: [3, 2], data: Float32Array.of(5, 6, 1, 2, 3, 4) });
  assert.equal((parameters as { columns?: number }).columns, 2);
});

test("uses a recording's external vector for each of its clips", async () => {
  const { rows } = await read('name,recording\n1,b/c.wav\n2,a.wav\n', [[1], [2]]);
  assert.deepEqual(rows.data, Float32Array.of(2, 2, 1));
});

test('reordered rows of vectors have the same content key, and changed values have a different one', async () => {
  const one = await read('recording\na.wav\nb/c.wav\n', [[1], [2]]);
  const same = await read('recording\nb/c.wav\na.wav\n', [[2], [1]]);
  const other = await read('recording\nb/c.wav\na.wav\n', [[2], [1.5]]);
  assert.deepEqual(same.parameters, one.parameters);
  assert.notDeepEqual(other.parameters, one.parameters);
  const keyed = featureKindOf(set).keyed!;
  assert.deepEqual(keyed({ ...one.parameters, file: 'renamed.npy' }), keyed(one.parameters));
});

test('accepts external vectors of clips that the run leaves out', async () => {
  const ids = 'recording\na.wav\nb/c.wav\nd.wav\nsilent.wav\n';
  const { rows } = await read(ids, [[1], [2], [3], [4]], { skipped: new Set(['silent.wav']) });
  assert.deepEqual(rows.data, Float32Array.of(1, 1, 2));
});

for (const [what, ids, vectors, says] of [
  ['an unknown id', 'clip\na.wav#0\na.wav#1\nb/c.wav#0\nx.wav#7\n', [[1], [2], [3], [4]], /ids\.csv:5: .*no x\.wav#7/],
  ['a clip without a row', 'clip\na.wav#0\nb/c.wav#0\n', [[1], [2]], /1 of 3 clips; the first: a\.wav#1/],
  ['an id that occurs twice', 'recording\na.wav\nb/c.wav\na.wav\n', [[1], [2], [3]], /ids\.csv:4: a\.wav .* line 2/],
  ['fewer ids than rows', 'recording\na.wav\n', [[1], [2]], /1 ids, but .*vectors\.npy has 2 rows/],
  [
    'a number that is not finite',
    'recording\na.wav\nb/c.wav\n',
    [
      [1, 2],
      [3, Number.NaN],
    ],
    /row 1, column 1 is NaN/,
  ],
  ['a number beyond float32', 'recording\na.wav\nb/c.wav\n', [[1e300], [1]], /row 0, column 0 is 1e\+300/],
  ['ids without a header', 'a.wav\nb/c.wav\n', [[1], [2]], /ids\.csv:1: .*no column clip or recording/],
  ['an empty id', 'recording,x\n,1\nb/c.wav,2\n', [[1], [2]], /ids\.csv:2: the column recording is empty/],
] as const) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(
      read(
        ids,
        vectors.map((row) => [...row]),
      ),
      (error: CryfoldError) => {
        assert.equal(error.code, 'FEATURES_INVALID');
        assert.match(error.message, says);
        assert.ok(error.hint);
        return true;
      },
    );
  });
}

test('refuses vectors of recordings if copying them for all clips would take 512 MiB', async () => {
  const ids = Array.from({ length: 2048 }, (_, i) => `a.wav#${i}`);
  const long = Array.from({ length: 65_536 }, () => 0);
  await assert.rejects(read('recording\na.wav\n', [long], { ids, leftOut: [] }), {
    code: 'FEATURES_INVALID',
    message: /2048 clips with 65536 numbers each need 512 MiB/,
  });
});

test('rejects a file that is missing or does not contain an array of floats', async () => {
  await read('recording\na.wav\nb/c.wav\n', [[1], [2]]);
  const given = featureKindOf(set).given!;
  await writeFile(join(folder, 'vectors.npy'), encodeNpy(Int32Array.of(1, 2), [2, 1]));
  await assert.rejects(given.read(set, folder, CLIPS), { code: 'FEATURES_INVALID', message: /elements are <i4/ });
  await rm(join(folder, 'vectors.npy'));
  await assert.rejects(given.read(set, folder, CLIPS), { code: 'FEATURES_INVALID', message: /ENOENT/ });
});

test('reports that external vectors cannot be computed for another recording', async () => {
  await assert.rejects(featureKindOf(set).loadExtractor(set), { code: 'FEATURES_EXTERNAL' });
});
