import { dirname } from 'node:path';
import { counted, printable } from '@cryfold/core';
import { decodingOnce } from '@cryfold/corpus';
import { type PrecisionSpeed, precisionSpeeds, refuseGivenFeatures } from '@cryfold/local-run';
import { applyOverrides, evaluationsWith, type RunPlan, TEST_ON } from '@cryfold/plan';
import { alignColumns } from '@cryfold/report';
import { type HourPrices, type PlanSummary, summarisePlan } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { basisText, calibrator, machineOf } from './cost-estimate.js';
import { dataNotes } from './data-notes.js';
import { EXIT } from './exit-codes.js';
import { openStoreOf } from './open-store.js';
import { PAPER_SPEC, prepareChecked, readSpec } from './prepare.js';
import { sayProblems } from './problems.js';
import { ProgressDisplay } from './progress.js';
import type { RunOptions } from './run-command.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface PlanOptions extends Omit<RunOptions, 'spec' | 'protocol'>, HourPrices {
  /** Measure the speed of this machine even for a short run */
  calibrate: boolean;
}

/**
 * `cryfold plan [SPEC]`: shows what a run or sweep would train, how much of it is already done, and how long the rest
 * takes. Starts nothing.
 */
export function planCommand(spec: string | undefined, options: ManyPlans, config: Config): Promise<number> {
  return decodingOnce(() => planAll(spec, options, config));
}

type ManyPlans = PlanOptions & { protocol?: string[] };

async function planAll(spec: string | undefined, options: ManyPlans, config: Config): Promise<number> {
  const { protocol = [], testOn, calibrate: always, ...rest } = options;
  const { gpuHourPrice, cpuHourPrice, workers } = rest;
  const names = evaluationsWith(protocol, testOn);
  if (testOn !== undefined) refuseGivenFeatures(await readSpec(spec ?? PAPER_SPEC));
  const display = new ProgressDisplay(process.stderr, options.json);
  const store = openStoreOf(storeUrlOf(config), config);
  try {
    const summaries: PlanSummary[] = [];
    for (const name of names) {
      const overrides = { ...rest, ...(name === undefined ? {} : { protocol: name }) };
      // Without --problems, no file is written.
      const list = { file: options.problems };
      const { plan, dataset } = await prepareChecked({
        ...rest,
        list,
        ...(name === TEST_ON && testOn !== undefined ? { testOn, groupDuplicates: false } : {}),
        specFolder: dirname(spec ?? PAPER_SPEC),
        spec: applyOverrides(await readSpec(spec ?? PAPER_SPEC), overrides, (text) => display.say(text)),
        store,
        config,
        onProgress: (text) => display.update(text),
      });
      await sayProblems(dataset, list, display);
      for (const note of dataNotes(dataset, rest)) display.say(`note: ${printable(note)}`);
      display.update('checking the store');
      const onStart = () => display.update('measuring how fast this machine trains');
      const measuring = { cacheDir: config.cacheDir, onStart };
      const summary = await summarisePlan(plan, store, {
        ...{ gpuHourPrice, cpuHourPrice, machine: machineOf(config) },
        calibrate: calibrator(plan, { ...measuring, config, workers, always }),
      });
      summaries.push(summary);
      const trainsHere = config.target.kind === 'local' && summary.inStore < summary.folds;
      const precisions = trainsHere ? await precisionSpeeds(plan, { ...measuring, again: always }) : [];
      display.clear();
      const text = options.json
        ? jsonText({ ...summary, precisions, skipped: dataset.skipped, warnings: dataset.warnings })
        : [...describe(summary, plan), ...precisions.map(precisionText)].join('\n');
      say(`${names.length > 1 && !options.json ? `${name ?? 'spec'}\n` : ''}${text}\n`);
    }
    if (summaries.length > 1 && !options.json) say(`all protocols: ${costText(summaries)}\n`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}

const precisionText = ({ estimator, precision, ratio }: PrecisionSpeed): string =>
  `${printable(estimator)}: ${precision} trains ${ratio.toFixed(2)} times as fast as float32 on this machine` +
  (ratio < 1 ? '; use precision: float32' : '');

const hoursText = (hours: number | null) => (hours === null ? 'unknown' : hours.toFixed(hours < 10 ? 2 : 0));

/**
 * Formats the hours of the gpu and cpu queues and their cost, summed over plans. If any part is unknown, so is the sum.
 */
function costText(summaries: readonly PlanSummary[]): string {
  const total = (of: (summary: PlanSummary) => number | null) =>
    summaries.map(of).reduce((sum, own) => (sum === null || own === null ? null : sum + own), 0);
  const cost = total((summary) => summary.cost);
  const hours = `queue gpu ${hoursText(total(({ gpuHours }) => gpuHours))} h, queue cpu ${hoursText(total(({ cpuHours }) => cpuHours))} h`;
  return cost === null ? hours : `${hours}, cost ${cost.toFixed(2)}`;
}

function describe(summary: PlanSummary, { spec, dataset }: RunPlan): string[] {
  const { estimators, run, trials, folds, inStore } = summary;
  const rows = [['estimator', 'queue', 'trials', 'folds', 'in store', 'hours']];
  for (const one of estimators) {
    rows.push([one.estimator, one.queue, ...[one.trials, one.folds, one.inStore].map(String), hoursText(one.hours)]);
  }
  const most = spec.search && (spec.search.racing || spec.search.algorithm === 'asha') ? 'at most ' : '';
  return [
    `${printable(dataset.name)}: ${counted(dataset.clips, 'clip')}, ${counted(dataset.classes.length, 'class')} · run ${run}`,
    '',
    ...alignColumns(rows),
    '',
    `${counted(trials, 'trial')}, ${most}${counted(folds, 'fold')}, ${inStore} of them already in the store`,
    costText([summary]),
    `hours of one worker (${basisText([summary])}); nothing was started`,
  ];
}
