// Writes docs/metrics.md from the list in packages/runtime/src/catalogue.ts.
import { writeFileSync } from 'node:fs';
import { CATALOGUE } from '@cryfold/runtime';

const ROLES = { coordinator: 'C', worker: 'W', aggregator: 'A', serve: 'S' };
const rows = Object.entries(CATALOGUE).map(([name, { kind, by, labels, help }]) => {
  const roles = by.map((role) => ROLES[role]).join(' ');
  return `| \`${name}\` | ${kind} | ${roles} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`;
});
writeFileSync(
  new URL('../../../docs/metrics.md', import.meta.url),
  `# Metrics and health

Written by \`tools/metrics-doc\`; a test compares it with what a real run exports.

\`cryfold coordinator\`, \`worker\` and \`aggregator\` answer on \`--metrics-port N\` or \`CRYFOLD_METRICS_PORT\`, and nowhere where
neither is set: nothing is measured then. 0 takes a free port, which the log names. They listen on all interfaces, since probes and
Prometheus come from other hosts; anyone who reaches the port can read names and progress of runs, and change nothing.
\`CRYFOLD_METRICS_HOST=127.0.0.1\` keeps them to the machine. \`cryfold run\` gives its own processes no port.

| path | answer |
|---|---|
| \`/metrics\` | the metrics below, and prom-client's own about the process (\`process_*\`, \`nodejs_*\`) |
| \`/healthz\` | 200 while the process answers at all |
| \`/readyz\` | 200 while all checks pass, else 503; JSON names each check and why it fails. \`redis\`: Redis answers and jobs are taken; \`store\`: the store answers; \`loop\` (coordinator): runs were listed within the last minute. Looked at every 5 s; a service that starts or stops is not ready. |

\`OTEL_EXPORTER_OTLP_ENDPOINT=http://COLLECTOR:4318\` sends traces as well (OTLP over HTTP): one leads from \`cryfold run\` and its
plan through the coordinator to each fold's training and commit. Unset, none of it is loaded.

A run's series stay for 15 minutes after its end. Series of single folds (\`cryfold_run_fold_*\`, \`cryfold_run_epoch_*\`) are
those of the newest runs that have 1,500 folds together, so that a scrape of 100 runs stays below 1 MB; a run that has more
folds than that is only reported in sums. The one coordinator that drives a run reports it. Every coordinator reports queues
and Redis: take \`max by (queue, state)\`.

C is exported by coordinators, W by workers, A by aggregators, S by \`cryfold serve\` on its own port. Units are in the names; ratios are from 0 to 1; \`_total\` counts since
the process began.

| metric | kind | by | labels | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`,
);
