import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CryfoldError, encodeRecord, FORMATS } from '@cryfold/core';
import { type ArtifactStore, openStore } from '@cryfold/store';
import { findTool, S3Server } from '@cryfold/testing';
import { type ModelCard, ModelRegistry, modelKeys } from '../src/index.js';

const coded = (code: string) => (error: unknown) => error instanceof CryfoldError && error.code === code;
const VERSIONS = ['aaaaaaaaaaa1', 'aaaaaaaaaaa2', 'bbbbbbbbbbb3'];

function card(name: string, version: string): ModelCard {
  const hash = '0'.repeat(64);
  return {
    ...{ format: 1, name, version, created: `2026-01-0${VERSIONS.indexOf(version) + 1}T00:00:00.000Z` },
    ...{ cryfold: { version: '0', foldFormat: 1 }, notice: '', intendedUse: '', limits: [], run: 'r', of: 'svm' },
    ...{ predictedBy: 'decisions', spec: {}, fusion: null, metrics: [], environment: {}, files: [] },
    data: { name: 'd', contentHash: hash, clips: 1, groups: 1, grouped: false, classes: [] },
    features: { kind: 'spectrogram', height: 60, width: 90, clipSeconds: 1 },
    members: [{ name: 'svm', kind: 'svm', final: hash, folder: 'members/svm' }],
  };
}

function describeRegistry(kind: string, open: () => ArtifactStore) {
  describe(`models in ${kind}`, () => {
    let next = 0;
    async function registry() {
      const store = open();
      after(() => store.close());
      const name = `m${next++}`;
      for (const version of VERSIONS) {
        await store.put(modelKeys.card(name, version), encodeRecord(card(name, version)));
      }
      return { store, name, models: new ModelRegistry(store) };
    }
    const by = { by: 'promote', reason: 'test' } as const;

    test('lets exactly one of many promotions over the same champion win, and rejects the others', async () => {
      const { name, models, store } = await registry();
      for (const expected of [0, 1]) {
        const ended = await Promise.allSettled(
          Array.from({ length: 12 }, (_, i) => models.promote(name, VERSIONS[i % 3], by, expected)),
        );
        const won = ended.filter((one) => one.status === 'fulfilled');
        assert.equal(won.length, 1);
        for (const one of ended) {
          if (one.status === 'rejected') assert.ok(coded('PROMOTION_LOST')(one.reason), String(one.reason));
        }
        assert.deepEqual(await models.champion(name), won[0].value);
        const copy = await store.get(modelKeys.champion(name));
        assert.deepEqual(JSON.parse(new TextDecoder().decode(copy)), won[0].value);
      }
      assert.deepEqual(
        (await models.history(name)).map(({ seq }) => seq),
        [1, 2],
      );
    });

    test('reports a version or promotion that cannot be read, and still finds the others', async () => {
      const { name, models, store } = await registry();
      await models.promote(name, VERSIONS[0], by);
      await store.put(modelKeys.card(name, VERSIONS[1]), new TextEncoder().encode('{"format":1,"na'));
      await store.put(
        modelKeys.card(name, VERSIONS[2]),
        encodeRecord({ ...card(name, VERSIONS[2]), format: FORMATS.card + 1 }),
      );
      const { cards, champion, damaged } = await models.scan(name);
      assert.deepEqual(
        cards.map(({ version }) => version),
        [VERSIONS[0]],
      );
      assert.equal(champion?.version, VERSIONS[0]);
      assert.deepEqual(
        damaged.map(({ code }) => code),
        ['JOB_INVALID', 'FORMAT_NEWER'],
      );
      assert.equal((await models.find(name)).version, VERSIONS[0]);
      await assert.rejects(models.find(name, VERSIONS[1]), coded('JOB_INVALID'));
      await store.put(modelKeys.promotion(name, 2), new Uint8Array());
      const later = await models.scan(name);
      assert.equal(later.champion, undefined, 'the previous champion does not count as the current one');
      assert.equal(later.damaged.length, 3);
      await assert.rejects(models.champion(name), coded('JOB_INVALID'));
    });

    test('unconditional promotions take effect one by one, and a rollback restores the previous champion', async () => {
      const { name, models } = await registry();
      assert.equal(await models.champion(name), undefined);
      await assert.rejects(models.rollback(`${name}-not`, ''), /there is no model named/);
      await assert.rejects(models.rollback(name, ''), coded('MODEL_NOT_FOUND'));
      for (const version of VERSIONS) await models.promote(name, version, by);
      assert.equal((await models.rollback(name, '')).version, VERSIONS[1]);
      assert.equal((await models.rollback(name, '')).version, VERSIONS[0]);
      await assert.rejects(models.rollback(name, ''), coded('MODEL_NOT_FOUND'));
      await models.promote(name, VERSIONS[2], by);
      assert.equal((await models.rollback(name, '')).version, VERSIONS[0]);
      assert.equal((await models.history(name)).length, 7);
    });

    test('finds a version only by an unambiguous prefix', async () => {
      const { name, models } = await registry();
      assert.equal((await models.find(name, 'b')).version, VERSIONS[2]);
      for (const [model, version] of [
        [name, 'a'],
        [name, 'c'],
        [name, undefined],
        ['none', 'a'],
        ['../x', 'a'],
      ] as const) {
        await assert.rejects(models.find(model, version), coded('MODEL_NOT_FOUND'));
      }
      assert.ok((await models.names()).includes(name));
      assert.deepEqual(
        (await models.versions(name)).map(({ version }) => version),
        VERSIONS,
      );
    });
  });
}

const folder = await mkdtemp(join(tmpdir(), 'cryfold-models-'));
after(() => rm(folder, { recursive: true }));
describeRegistry('files', () => openStore(`file:${folder}`));

const program = await findTool('minio');
if (program) {
  const server = await S3Server.start({ tool: 'minio', program });
  after(() => server.stop());
  const { endpoint, region, accessKey, secretKey } = server;
  const settings = { endpoint, region, accessKey, secretKey, addressing: 'path' } as const;
  describeRegistry('S3', () => openStore(`s3://${server.bucket}/models`, settings));
} else {
  test('models in S3', { skip: 'minio is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache' }, () => {});
}
