import { FUSION_RULES, METRIC_NAMES } from '@cryfold/evaluation';
import type { Command } from 'commander';
import { type Does, list, RUN, readConfig } from './program.js';
import { REPORT_FORMATS } from './report-formats.js';

/** Adds what works on finished runs: `report`, `fuse` and `compare`. */
export function addResultCommands(program: Command, does: Does): void {
  program
    .command('report')
    .description('Write a finished run’s report: one HTML file that needs no network, or its figures.')
    .argument('<run>', RUN)
    .option('--format <format>', REPORT_FORMATS.join(', '), 'html')
    .option('--out <file>', 'where to write it (default: standard output)')
    .option(
      '--beside <run>',
      'the same data under another protocol, shown beside this one; may be given several times',
      (run: string, others: string[] = []) => [...others, run],
    )
    .option('--audio <path>', 'the recordings: puts players beside the hardest clips')
    .action(
      does(async (run: string, options) => {
        const { reportCommand } = await import('./report-command.js');
        return reportCommand(run, options, await readConfig());
      }),
    );
  program
    .command('fuse')
    .description('Fuse the stored probabilities of a finished run by another rule, without training.')
    .argument('<run>', RUN)
    .option('--members <names>', 'estimators to fuse, comma-separated (default: all of the run)', list)
    .option('--rule <rule>', FUSION_RULES.join(', '), 'mean')
    .option('--out <dir>', 'where to write results.json and out-of-fold.csv')
    .option('--force', 'replace other results in --out', false)
    .option('--json', 'print the results as JSON', false)
    .action(
      does(async (run: string, options) => {
        const { fuseCommand } = await import('./fuse-command.js');
        return fuseCommand(run, options, await readConfig());
      }),
    );
  program
    .command('compare')
    .description('Say whether run B is better than run A, by a paired test of their predictions.')
    .argument('<run-a>', `the baseline: ${RUN}`)
    .argument('<run-b>', 'the candidate')
    .option('--model <names>', 'the model to compare, or one of each run as a,b', list)
    .option('--metric <metric>', `${METRIC_NAMES.join(', ')} (default: that of run B)`)
    .option('--json', 'print the verdict as JSON', false)
    .addHelpText('after', '\nExit codes: 0 better, 5 same, 6 worse, 3 incomplete')
    .action(
      does(async (a: string, b: string, options) => {
        const { compareCommand } = await import('./compare-command.js');
        return compareCommand(a, b, options, await readConfig());
      }),
    );
}
