import { evaluateStored, readRun } from '@cryfold/aggregator';
import { CryfoldError, encodeRecord } from '@cryfold/core';
import { FUSION_RULES, type FusionRule } from '@cryfold/evaluation';
import { comparisonTable, pooledTable, tableTwo } from '@cryfold/report';
import type { Config } from '@cryfold/runtime';
import { Copies } from './copies.js';
import { EXIT } from './exit-codes.js';
import { findStoredRun } from './find-run.js';
import { openStoreOf } from './open-store.js';
import { colors, jsonText, say } from './terminal.js';

export interface FuseOptions {
  members?: string[];
  rule: string;
  out?: string;
  force: boolean;
  json: boolean;
}

/**
 * `cryfold fuse RUN`: fuses the stored probabilities of a finished run with another rule, without training, and
 * compares the result with the best member. Does not change the run. Returns the exit code.
 */
export async function fuseCommand(run: string, options: FuseOptions, config: Config): Promise<number> {
  const rule = options.rule as FusionRule;
  if (!FUSION_RULES.includes(rule)) {
    throw new CryfoldError('USAGE', `--rule: unknown fusion rule ${JSON.stringify(options.rule)}`, {
      context: { rule },
      hint: `Available rules: ${FUSION_RULES.join(', ')}.`,
    });
  }
  const found = await findStoredRun(run, config);
  const store = openStoreOf(found.storeUrl, config);
  const stored = await readRun(store, found.results.run.id).finally(() => store.close());
  const members = checkMembers(options.members, Object.keys(stored.plan.spec.estimators));
  const { results: evaluated, csv } = evaluateStored(stored, { [`fused-${rule}`]: { rule, members } });
  const { search } = found.results;
  const results = { ...evaluated, ...(search ? { search } : {}) };
  if (options.out !== undefined) {
    const models = results.models.map(({ name }) => name);
    await new Copies(options.out, options.force).write({ run: results.run.id, models }, [
      ['out-of-fold.csv', csv()],
      ['results.json', encodeRecord(results)],
    ]);
  }
  const color = { color: colors() };
  const tables = [tableTwo(results, color), pooledTable(results, color), comparisonTable(results, color)];
  say(options.json ? `${jsonText(results)}\n` : `${tables.filter(Boolean).join('\n\n')}\n`);
  return results.status === 'complete' ? EXIT.done : EXIT.incomplete;
}

function checkMembers(members: string[] | undefined, known: string[]): string[] {
  const wanted = [...new Set(members ?? known)];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined && wanted.length >= 2) return wanted;
  const why = unknown === undefined ? 'a fusion needs at least two members' : `the run has no estimator ${unknown}`;
  throw new CryfoldError('USAGE', `--members: ${why}`, { hint: `Estimators of the run: ${known.join(', ')}.` });
}
