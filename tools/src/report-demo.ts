// Writes the HTML report of a simulated run of the paper's four models (from random numbers, without training), and
// prints how long aggregation and reporting took.
//
// usage: tools/report-demo [--out FILE] [--clips N] [--repeats N] [--null] [--hostile] [--holes N]
//   --null     models that only guess: the report must start with a warning
//   --hostile  class names that contain markup
//   --holes N  folds without a result
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { aggregate } from '@cryfold/aggregator';
import { writeRandomRun } from '@cryfold/integration-tests/random-run';
import { htmlReport } from '@cryfold/report';
import { gatherReport } from '@cryfold/run-control';
import { openStore, RunStore } from '@cryfold/store';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'cryfold-out/report-demo.html' },
    clips: { type: 'string', default: '300' },
    repeats: { type: 'string', default: '2' },
    holes: { type: 'string', default: '0' },
    null: { type: 'boolean', default: false },
    hostile: { type: 'boolean', default: false },
  },
});
const GUESSING = { lean: { 'small-cnn': 0, 'tl-resnet50': 0, svm: 0 } };
const HOSTILE = {
  name: '<b>data</b>',
  classes: ['<script>alert(1)</script>', '"><img src=x onerror=alert(2)>', "a'b", 'c&d', 'e'],
};

const folder = mkdtempSync(join(tmpdir(), 'cryfold-report-'));
try {
  const store = new RunStore(openStore(`file:${folder}`));
  const plan = await writeRandomRun(store.artifacts, {
    clips: Number(values.clips),
    repeats: Number(values.repeats),
    holes: Number(values.holes),
    ...(values.null ? GUESSING : {}),
    ...(values.hostile ? HOSTILE : {}),
  });
  const began = performance.now();
  const results = await aggregate(store, plan.run);
  const aggregated = performance.now();
  const page = await htmlReport(await gatherReport(store, results));
  const reported = performance.now();
  await store.close();
  const out = resolve(values.out);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, page);
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  console.log(
    `${plan.jobs.length} folds, ${values.clips} clips: aggregated in ${seconds(aggregated - began)} s, ` +
      `reported in ${seconds(reported - aggregated)} s, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  );
  console.log(`report: ${out}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
