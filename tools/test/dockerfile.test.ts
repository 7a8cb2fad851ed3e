import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effective, lastOf, parseCommand, parseDockerfile, parsePairs } from '../src/images/dockerfile.js';

const TEXT = `ARG IMAGE=node
# A comment
FROM \${IMAGE} AS base
ENV A=1 B="two words"
RUN one && \\
  two
FROM base AS top
ENTRYPOINT ["first"]
ENTRYPOINT ["cryfold"]
`;

test('returns a stage’s own instructions after those of the stages on which it is based', () => {
  const stages = parseDockerfile(TEXT);
  assert.deepEqual(
    stages.map(({ name, from }) => [name, from]),
    [
      ['base', '$' + '{IMAGE}'],
      ['top', 'base'],
    ],
  );
  assert.deepEqual(
    effective(stages, 'top').map(({ instruction, value }) => `${instruction} ${value}`),
    ['ENV A=1 B="two words"', 'RUN one && two', 'ENTRYPOINT ["first"]', 'ENTRYPOINT ["cryfold"]'],
  );
  assert.deepEqual(parseCommand(lastOf(stages, 'top', 'ENTRYPOINT')), ['cryfold']);
  assert.throws(() => lastOf(stages, 'top', 'HEALTHCHECK'), /top: the Dockerfile has no HEALTHCHECK/);
});

test('reads quoted, plain and missing values of ENV and ARG', () => {
  assert.deepEqual(parsePairs('A=1 B="two words" C'), [
    ['A', '1'],
    ['B', 'two words'],
    ['C', undefined],
  ]);
});
