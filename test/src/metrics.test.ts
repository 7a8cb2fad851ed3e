import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { RunResults } from '@cryfold/evaluation';
import { BOARDS } from '@cryfold/grafana';
import { MANY_GIVE_BACKS } from '@cryfold/plan';
import { CATALOGUE } from '@cryfold/runtime';
import { findTool } from '@cryfold/testing';
import { ROOT, start, until } from './command.js';
import { EPOCHS, ObservedCluster } from './observed-run.js';
import { Prometheus, selectors } from './prometheus.js';
import { seriesValue } from './service.js';

const ROLES = ['coordinator', 'aggregator', 'worker', 'serve'] as const;
const MODEL = 'observed';

let cluster: ObservedCluster;
let results: RunResults;
/** The worker's metrics after the first run */
let worker: string;
/** The run id of the sweep */
let sweep: string;
let prometheus: Prometheus | undefined;
let began: Date;
const texts = {} as Record<(typeof ROLES)[number], string>;

before(async () => {
  cluster = await ObservedCluster.start();
  const targets = Object.values(cluster.services).map(({ url }) => new URL(url).host);
  prometheus = await Prometheus.start(cluster.folder, targets);
  began = new Date();
  const { code, stdout, stderr } = await cluster.run();
  assert.equal(code, 0, stderr);
  results = JSON.parse(stdout) as RunResults;
  await until('the coordinator to notice that the run has finished', async () =>
    (await cluster.scrape('coordinator')).includes('phase="finished"'),
  );
  worker = await cluster.scrape('worker');
  const retrained = await cluster.retrain(MODEL);
  assert.equal(retrained.code, 0, retrained.stderr);
  await until('the coordinator to see the champion', async () =>
    (await cluster.scrape('coordinator')).includes('cryfold_model_champion_info{'),
  );
  const swept = await cluster.sweep();
  assert.equal(swept.code, 0, swept.stderr);
  const ended = /cryfold_run_info\{run="(searched-\w+)",[^}]*phase="finished"/;
  sweep = await until('the sweep to finish', async () => ended.exec(await cluster.scrape('coordinator'))?.[1]);
  await prometheus?.scrapedTwice();
  for (const role of ROLES) texts[role] = role === 'serve' ? await scrapeServe() : await cluster.scrape(role);
});
async function scrapeServe(): Promise<string> {
  const command = start(['serve', '--model', MODEL, '--port', '0'], cluster.environment);
  try {
    const port = await until('predictions to be served', () => /"port":(\d+)/.exec(command.stdout())?.[1]);
    return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  } finally {
    command.process.kill('SIGTERM');
    await command.ended;
  }
}

after(async () => {
  await prometheus?.stop();
  await cluster?.stop();
});

test('docs/metrics.md lists exactly the exported metrics, with kind, labels and meaning', async () => {
  const document = await readFile(join(ROOT, 'docs', 'metrics.md'), 'utf8');
  const documented = new Map(
    [...document.matchAll(/^\| `(cryfold_\w+)` \| (\w+) \| ([CWAS ]+) \| (.*?) \| (.*) \|$/gm)].map(
      ([, name, kind, by, labels, help]) => [
        name,
        { kind, by, labels: [...labels.matchAll(/\w+/g)].map(String), help },
      ],
    ),
  );
  const exported = new Set(
    ROLES.flatMap((role) => [...texts[role].matchAll(/^# TYPE (cryfold_\w+) /gm)].map((m) => m[1])),
  );
  assert.deepEqual([...documented.keys()].sort(), [...exported].sort());
  assert.deepEqual([...documented.keys()], Object.keys(CATALOGUE));
  for (const [name, { kind, by, labels, help }] of documented) {
    for (const role of ROLES) {
      const has = by.includes(role[0].toUpperCase());
      assert.equal(texts[role].includes(`# TYPE ${name} ${kind}\n`), has, `${name} by ${role}`);
      if (!has) continue;
      assert.ok(texts[role].includes(`# HELP ${name} ${help}\n`), name);
      for (const [, inner] of texts[role].matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))) {
        const found = [...inner.matchAll(/(\w+)="/g)].map((m) => m[1]).filter((label) => label !== 'le');
        assert.deepEqual(found.sort(), [...labels].sort(), name);
      }
    }
  }
});

test('exports the trials of a sweep, and counts their folds by estimator', () => {
  const text = texts.coordinator;
  const trials = ['running', 'complete', 'pruned', 'failed'].map(
    (state) => seriesValue(text, `cryfold_sweep_trials{run="${sweep}",state="${state}"}`) ?? Number.NaN,
  );
  assert.equal(trials[0], 0);
  assert.equal(
    trials.reduce((sum, count) => sum + count),
    4,
  );
  const [judged, saved] = ['judged', 'saved'].map(
    (kind) => seriesValue(text, `cryfold_sweep_folds{run="${sweep}",kind="${kind}"}`) ?? Number.NaN,
  );
  assert.equal(judged + saved, 4 * 3);
  const best = seriesValue(text, `cryfold_sweep_best_score{run="${sweep}",metric="accuracy"}`) ?? Number.NaN;
  assert.ok(best > 0 && best <= 1, `${best}`);
  assert.match(
    text,
    new RegExp(`cryfold_run_folds\\{run="${sweep}",estimator="svm",queue="cpu",state="done"\\} [1-9]`),
  );
  assert.doesNotMatch(
    text,
    new RegExp(`cryfold_run_(folds|accuracy_ratio|fold_state)\\{run="${sweep}",(estimator|model)="svm[^"]`),
  );
});

test('names metrics after their units, and counters with the suffix _total', () => {
  for (const [name, { kind }] of Object.entries(CATALOGUE)) {
    assert.equal(name.endsWith('_total'), kind === 'counter', name);
    assert.doesNotMatch(name, /_(ms|millis|mb|percent|minutes)\b/);
  }
});

test('counts each fold of a run once, with the same accuracies as in the results', () => {
  const { run, models } = results;
  const text = texts.coordinator;
  for (const [estimator, queue] of [
    ['small-cnn', 'gpu'],
    ['svm', 'cpu'],
  ]) {
    const labels = `run="${run.id}",estimator="${estimator}",queue="${queue}"`;
    assert.equal(seriesValue(text, `cryfold_run_folds{${labels},state="done"}`), 6);
    assert.equal(seriesValue(text, `cryfold_run_folds{${labels},state="waiting"}`), 0);
    const kind = `queue="${queue}",estimator="${estimator}"`;
    assert.equal(seriesValue(worker, `cryfold_folds_committed_total{${kind}}`), 6);
    assert.equal(seriesValue(worker, `cryfold_fold_duration_seconds_count{${kind}}`), 6);
  }
  assert.deepEqual(
    models.map(({ name }) => name),
    ['small-cnn', 'svm', 'combined'],
  );
  for (const { name, kind, accuracy, folds } of models) {
    assert.equal(seriesValue(text, `cryfold_run_accuracy_ratio{run="${run.id}",model="${name}"}`), accuracy?.mean);
    if (kind !== 'estimator') continue;
    for (const { repeat, fold, accuracy: share } of folds) {
      const labels = `run="${run.id}",estimator="${name}",repeat="${repeat}",fold="${fold}"`;
      assert.equal(seriesValue(text, `cryfold_run_fold_state{${labels}}`), 2);
      const told = seriesValue(text, `cryfold_run_fold_accuracy_ratio{${labels}}`);
      assert.ok(told !== undefined && Math.abs(told - share) < 1e-12, `${labels}: ${told} is not ${share}`);
      assert.ok((seriesValue(text, `cryfold_run_fold_duration_seconds{${labels}}`) ?? 0) > 0);
    }
  }
  assert.equal(seriesValue(text, `cryfold_run_fraction_done_ratio{run="${run.id}"}`), 1);
});

test('counts the images of each epoch in a worker, and reports the worker’s children', () => {
  // In each of the 2 repeats of 3 folds, every clip is trained on twice.
  const clips = 2 * 2 * results.dataset.clips * EPOCHS;
  const images = seriesValue(texts.worker, 'cryfold_trained_images_total{estimator="small-cnn"}') ?? 0;
  assert.ok(Math.abs(images - clips) < 1e-6, `${images} images instead of ${clips}`);
  assert.equal(
    seriesValue(texts.worker, 'cryfold_epoch_duration_seconds_count{estimator="small-cnn"}'),
    2 * 3 * EPOCHS,
  );
  for (const queue of ['gpu', 'cpu']) {
    assert.equal(seriesValue(texts.worker, `cryfold_child_starts_total{queue="${queue}",reason="first"}`), 1);
    assert.ok((seriesValue(texts.worker, `cryfold_child_memory_bytes{queue="${queue}",child="0"}`) ?? 0) > 1e7);
    assert.ok((seriesValue(texts.worker, `cryfold_child_cpu_seconds_total{queue="${queue}"}`) ?? 0) > 0);
  }
  assert.equal(texts.worker.includes('cryfold_training_loss{'), false, 'the folds have finished');
});

interface Panel {
  title: string;
  targets?: { expr: string }[];
  panels?: Panel[];
}

const panelsOf = (panels: Panel[]): Panel[] => panels.flatMap((panel) => [panel, ...panelsOf(panel.panels ?? [])]);

async function finds(server: Prometheus, expression: string): Promise<boolean> {
  const series = await server.range(expression, began, new Date());
  return series.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
}

function whereThereIsOne(t: TestContext): Prometheus | undefined {
  if (!prometheus) t.skip('no prometheus on PATH: apt-get install prometheus');
  return prometheus;
}

test('each panel of each dashboard finds data in a Prometheus server that scraped a run', async (t) => {
  const server = whereThereIsOne(t);
  if (!server) return;
  let count = 0;
  for (const [board, build] of Object.entries(BOARDS)) {
    for (const { title, targets = [] } of panelsOf(build().panels as Panel[])) {
      for (const { expr } of targets) {
        const expression = expr
          .replaceAll('$run', board === 'sweep' ? sweep : results.run.id)
          .replaceAll('$model', MODEL)
          .replaceAll('$__rate_interval', '5s');
        assert.ok(await finds(server, expression), `${board}, ${title}: ${expression} has no data`);
        count++;
      }
    }
  }
  t.diagnostic(`${count} expressions`);
});

test('the committed dashboards match infra/grafana/src', async () => {
  for (const [name, build] of Object.entries(BOARDS)) {
    const text = await readFile(join(ROOT, 'infra', 'grafana', 'dashboards', `${name}.json`), 'utf8');
    assert.equal(text, `${JSON.stringify(build(), null, 2)}\n`, `run tools/dashboards (${name})`);
  }
});

test('alerts do not fire on a healthy cluster, use existing series, and have runbooks', async (t) => {
  const server = whereThereIsOne(t);
  if (!server) return;
  const rules = await until('the rules to be evaluated', async () => {
    const found = await server.rules();
    return found.every(({ health }) => health !== 'unknown') && found;
  });
  const runbooks = await readFile(join(ROOT, 'docs', 'runbooks.md'), 'utf8');
  const headings = [...runbooks.matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading);
  assert.deepEqual(headings.sort(), rules.map(({ name }) => name).sort());
  const cases = await readFile(join(ROOT, 'infra', 'prometheus', 'alerts.test.yml'), 'utf8');
  for (const { name, query, health, lastError, state, annotations } of rules) {
    assert.equal(health, 'ok', `${name}: ${lastError}`);
    assert.equal(state, 'inactive', name);
    assert.equal(annotations.runbook_url, `docs/runbooks.md#${name.toLowerCase()}`);
    for (const selector of selectors(query))
      assert.ok(await finds(server, selector), `${name}: ${selector} has no data`);
    assert.match(
      cases,
      new RegExp(`alertname: ${name}\\n +eval_time: \\w+\\n +exp_alerts:\\n`),
      `${name} never fires in a test`,
    );
    assert.match(
      cases,
      new RegExp(`alertname: ${name}\\n +eval_time: \\w+\\n +exp_alerts: \\[\\]`),
      `${name} always fires`,
    );
  }
});

test('promtool accepts rules and configuration, and each alert fires when it should', async (t) => {
  const promtool = await findTool('promtool');
  if (!promtool) return t.skip('no promtool on PATH: apt-get install prometheus');
  const folder = join(ROOT, 'infra', 'prometheus');
  for (const args of [
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    await promisify(execFile)(promtool, args, { cwd: folder });
  }
});

test('the alert about returned folds has the same threshold as the warning of cryfold status', async () => {
  const alerts = await readFile(join(ROOT, 'infra', 'prometheus', 'alerts.yml'), 'utf8');
  assert.equal(/cryfold_run_give_backs\) >= (\d+)/.exec(alerts)?.[1], `${MANY_GIVE_BACKS}`);
});
