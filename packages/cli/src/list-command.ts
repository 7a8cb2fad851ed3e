import { METRICS } from '@cryfold/evaluation';
import { valueText } from '@cryfold/report';
import type { RunStatus } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { type ControlOptions, withControl } from './control.js';
import { EXIT } from './exit-codes.js';
import { leftColumns, protocolText } from './format.js';
import { BY, type Listed } from './listed.js';
import { countsText, shownState } from './run-line.js';
import type { RunOrder } from './sort-orders.js';
import { jsonText, say } from './terminal.js';

const HEAD = ['run', 'state', 'done', 'date', 'dataset', 'protocol', 'score', 'cryfold'];

/** `cryfold list`: lists all runs in the store. */
export async function listCommand(
  { json, sort }: ControlOptions & { sort: RunOrder },
  config: Config,
): Promise<number> {
  return withControl(config, async (control) => {
    const runs = (await control.runs.list())
      .map((status) => ({ status, listed: listedOf(status) }))
      .sort((a, b) => BY[sort](a.listed, b.listed) || BY.date(a.listed, b.listed))
      .map(({ status }) => status);
    say(json ? `${jsonText(runs)}\n` : table(runs));
    return EXIT.done;
  });
}

function listedOf({ ended, created, dataset = '', metric, score }: RunStatus): Listed {
  return { date: ended ?? created ?? '', dataset, metric, mean: score?.mean };
}

function table(runs: readonly RunStatus[]): string {
  const damaged = runs.flatMap(({ run, state, damage }) =>
    damage ? [[run, state, `${damage.code}: ${damage.message}`]] : [],
  );
  const readable = runs.filter(({ damage }) => !damage).map(cells);
  const lines = [...(readable.length > 0 ? leftColumns([HEAD, ...readable]) : []), ...leftColumns(damaged)];
  return lines.length > 0 ? `${lines.join('\n')}\n` : 'no runs\n';
}

function cells(status: RunStatus): string[] {
  const { run, protocol, metric, score, version } = status;
  const { date, dataset } = listedOf(status);
  return [
    ...[run, shownState(status), countsText(status), date.slice(0, 16), dataset],
    protocol ? protocolText(protocol) : '',
    metric && score
      ? `${METRICS[metric].title} ${valueText(metric, score.mean)} (${score.model})${score.inflated ? ', inflated by leaks' : ''}`
      : '',
    version ?? '',
  ];
}
