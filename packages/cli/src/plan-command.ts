import { printable } from '@cryfold/core';
import type { RunPlan } from '@cryfold/plan';
import { alignColumns } from '@cryfold/report';
import { type HourPrices, type PlanSummary, summarisePlan } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { dataNotes } from './data-notes.js';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { applyOverrides, prepareChecked, readSpec } from './prepare.js';
import { ProgressDisplay } from './progress.js';
import { evaluationsWith, TEST_ON } from './protocol-names.js';
import type { RunOptions } from './run-command.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface PlanOptions extends Omit<RunOptions, 'spec' | 'protocol'>, HourPrices {}

/** `cryfold plan SPEC`: what a run or sweep would be, how much of it is done, and what the rest takes. Starts nothing. */
export async function planCommand(
  spec: string,
  options: PlanOptions & { protocol?: string[] },
  config: Config,
): Promise<number> {
  const { protocol = [], testOn, ...rest } = options;
  const names = evaluationsWith(protocol, testOn);
  const display = new ProgressDisplay(process.stderr, options.json);
  const store = openStoreOf(storeUrlOf(options.out, config), config);
  try {
    for (const name of names) {
      const overrides = { ...rest, ...(name === undefined ? {} : { protocol: name }) };
      const { plan, dataset } = await prepareChecked({
        ...rest,
        ...(name === TEST_ON && testOn !== undefined ? { testOn, groupDuplicates: false } : {}),
        spec: applyOverrides(await readSpec(spec), overrides, (text) => display.say(text)),
        store,
        config,
        onProgress: (text) => display.update(text),
      });
      for (const note of dataNotes(dataset, rest)) display.say(`note: ${printable(note)}`);
      display.update('looking into the store');
      const summary = await summarisePlan(plan, store, options);
      display.clear();
      const text = options.json ? jsonText(summary) : describe(summary, plan).join('\n');
      say(`${names.length > 1 && !options.json ? `${name ?? 'spec'}\n` : ''}${text}\n`);
    }
    return EXIT.done;
  } finally {
    await store.close();
  }
}

const hoursText = (hours: number | null) => (hours === null ? 'unknown' : hours.toFixed(hours < 10 ? 2 : 0));

function describe(summary: PlanSummary, { spec, dataset }: RunPlan): string[] {
  const { estimators, run, trials, folds, inStore, gpuHours, cpuHours, cost } = summary;
  const rows = [['estimator', 'queue', 'trials', 'folds', 'in store', 'hours']];
  for (const one of estimators) {
    rows.push([one.estimator, one.queue, ...[one.trials, one.folds, one.inStore].map(String), hoursText(one.hours)]);
  }
  const most = spec.search && (spec.search.racing || spec.search.algorithm === 'asha') ? 'at most ' : '';
  const unknown = estimators.filter(({ hours }) => hours === null).map(({ estimator }) => estimator);
  return [
    `${printable(dataset.name)}: ${dataset.clips} clips, ${dataset.classes.length} classes · run ${run}`,
    '',
    ...alignColumns(rows),
    '',
    `${trials} ${trials === 1 ? 'trial' : 'trials'}, ${most}${folds} folds, ${inStore} of them in the store already`,
    `GPU hours ${hoursText(gpuHours)}, CPU hours ${hoursText(cpuHours)}${cost === null ? '' : `, cost ${cost.toFixed(2)}`}`,
    unknown.length > 0
      ? `unknown: the store holds no finished fold of ${unknown.join(', ')} to judge by`
      : 'hours of one worker, by the median of finished folds in this store; nothing was started',
  ];
}
