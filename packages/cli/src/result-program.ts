import { FUSION_RULES, METRIC_NAMES } from '@cryfold/evaluation';
import type { Command } from 'commander';
import { type ActionWrapper, list, RUN, readConfig } from './program.js';
import { REPORT_FORMATS } from './report-formats.js';

/** Adds the commands for finished runs: `report`, `fuse` and `compare`. */
export function addResultCommands(program: Command, wrap: ActionWrapper): void {
  program
    .command('report')
    .description(
      'Write the report of a finished run: a self-contained HTML file, or its figures as Markdown, JSON or CSV.',
    )
    .argument('<run>', RUN)
    .option('--format <format>', REPORT_FORMATS.join(', '), 'html')
    .option('--out <file>', 'file to write (default: standard output)')
    .option(
      '--beside <run>',
      'run of the same data under another protocol, shown alongside; repeatable',
      (run: string, others: string[] = []) => [...others, run],
    )
    .option('--audio <path>', 'path of the recordings; adds audio players for the hardest clips')
    .action(
      wrap(async (run: string, options) => {
        const { reportCommand } = await import('./report-command.js');
        return reportCommand(run, options, await readConfig());
      }),
    );
  program
    .command('fuse')
    .description('Fuse the stored probabilities of a finished run with another rule, without training.')
    .argument('<run>', RUN)
    .option('--members <names>', 'estimators to fuse, comma-separated (default: all)', list)
    .option('--rule <rule>', FUSION_RULES.join(', '), 'mean')
    .option('--out <dir>', 'folder for results.json and out-of-fold.csv')
    .option('--force', 'overwrite other results in --out', false)
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
    .argument('<run-a>', `the baseline: ${RUN}`)
    .argument('<run-b>', 'the candidate run')
    .option('--model <names>', 'model to compare, or one per run as a,b', list)
    .option('--metric <metric>', `${METRIC_NAMES.join(', ')} (default: that of run B)`)
    .option('--json', 'print the verdict as JSON', false)
    .addHelpText('after', '\nExit codes: 0 better, 5 same, 6 worse, 3 incomplete')
    .action(
      wrap(async (a: string, b: string, options) => {
        const { compareCommand } = await import('./compare-command.js');
        return compareCommand(a, b, options, await readConfig());
      }),
    );
}
