import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETWORKS } from '@cryfold/nn/models';
import { estimatorSchema, kindOf } from '../src/registry.js';

const SETTINGS = { featureKey: 'f', produces: 'images' as const, threads: 1, xla: false, grouped: false };

test('every network has an estimator, whose relative work with default parameters is 1', () => {
  for (const { kind, epochs } of NETWORKS) {
    const parameters = estimatorSchema.parse({ kind });
    assert.equal(kindOf(parameters).cost(parameters, 10), 10 * epochs, kind);
  }
});

test('more filters in the image branch mean more work', () => {
  const [few, many] = [4, 256].map((filters) => {
    const parameters = estimatorSchema.parse({ kind: 'two-branch', filters: [filters, filters, filters] });
    return kindOf(parameters).cost(parameters, 10);
  });
  assert.ok(few < 100 / 10 && many > 100 * 10, `${few}, ${many}`);
});

test('frozen backbones with equal weights have separate features, and tl-resnet50’s keep their key', () => {
  const artifacts = new Map<string, string | undefined>();
  for (const { kind, architecture } of NETWORKS) {
    if (!architecture.backbone) continue;
    const parameters = estimatorSchema.parse({ kind, backbone: 'frozen' });
    artifacts.set(kind, kindOf(parameters).prerequisite?.(parameters, SETTINGS)?.artifact);
  }
  assert.ok(artifacts.size >= 8);
  assert.equal(new Set(artifacts.values()).size, artifacts.size);
  assert.equal(artifacts.get('tl-resnet50'), 'features/f/embeddings-5bbc475e75a83378.npy');
});
