import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Audit } from '@cryfold/evaluation';
import { auditLines } from '../src/audit-command.js';

test('suggests an audit with the same data flags as the run', () => {
  const finding = { kind: 'few-groups', severity: 'warning', text: 'Few groups.' };
  const audit = { findings: [finding] } as unknown as Audit;
  const command = (given: Parameters<typeof auditLines>[1]) => auditLines(audit, given, true).at(-1);
  assert.match(command({ data: 'my corpus' }) ?? '', /cryfold data audit 'my corpus'$/);
  assert.match(
    command({ data: 'corpus', groupBy: '^(.+)_', layout: 'folders' }) ?? '',
    /cryfold data audit corpus --group-by '\^\(\.\+\)_' --layout folders$/,
  );
});
