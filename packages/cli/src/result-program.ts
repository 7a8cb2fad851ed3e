import { FUSION_RULES, METRIC_NAMES } from '@cryfold/evaluation';
import type { Command } from 'commander';
import { type ActionWrapper, list, RUN, readConfig } from './program.js';
import { REPORT_FORMATS } from './report-formats.js';

/** Adds the commands for finished runs: `report`, `fuse` and `compare`. */
export function addResultCommands(program: Command, wrap: ActionWrapper): void {
  program
    .command('report')
    .description(
      'Write a report on a finished run: a self-contained HTML page, or just the numbers as Markdown, JSON or CSV.',
    )
    .argument('<run>', RUN)
    .option('--format <format>', `format of the report: ${REPORT_FORMATS.join(', ')}`, 'html')
    .option('--out <file>', 'write the report to this file (default: standard output)')
    .option(
      '--beside <run>',
      'also show another run on the same data with a different protocol; can be given several times',
      (run: string, others: string[] = []) => [...others, run],
    )
    .option('--audio <path>', 'path of the recordings; adds audio players for the hardest clips to the report')
    .action(
      wrap(async (run: string, options) => {
        const { reportCommand } = await import('./report-command.js');
        return reportCommand(run, options, await readConfig());
      }),
    );
  program
    .command('fuse')
    .description(
      'Fuse estimators of a finished run with another rule. Uses their stored probabilities, so nothing is trained.',
    )
    .argument('<run>', RUN)
    .option('--members <names>', 'comma-separated names of the estimators to fuse (default: all)', list)
    .option('--rule <rule>', `fusion rule: ${FUSION_RULES.join(', ')}`, 'mean')
    .option('--out <dir>', 'write results.json and out-of-fold.csv to this folder')
    .option('--force', 'overwrite other results in the --out folder', false)
    .option('--json', 'print the results as JSON', false)
    .action(
      wrap(async (run: string, options) => {
        const { fuseCommand } = await import('./fuse-command.js');
        return fuseCommand(run, options, await readConfig());
      }),
    );
  program
    .command('compare')
    .description('Test whether run B is better than run A, with a paired test of their predictions.')
    .argument('<run-a>', `baseline (run A): ${RUN}`)
    .argument('<run-b>', 'candidate (run B), specified in the same way as run A')
    .option('--model <names>', 'model to compare, or MODEL-A,MODEL-B if its name differs between runs', list)
    .option('--metric <metric>', `metric to compare: ${METRIC_NAMES.join(', ')} (default: the metric of run B)`)
    .option('--json', 'print the verdict as JSON', false)
    .addHelpText('after', '\nExit codes: 0 run B is better, 5 no difference shown, 6 run B is worse, 3 incomplete')
    .action(
      wrap(async (a: string, b: string, options) => {
        const { compareCommand } = await import('./compare-command.js');
        return compareCommand(a, b, options, await readConfig());
      }),
    );
}
