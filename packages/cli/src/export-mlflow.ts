import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CryfoldError, counted } from '@cryfold/core';
import { experimentFiles, experimentId, exportModels, filesOfRun, type WriteFiles } from '@cryfold/run-control';
import type { Config } from '@cryfold/runtime';
import { RunStore } from '@cryfold/store';
import { EXIT } from './exit-codes.js';
import { modelStore } from './find-model.js';
import { noResults, placeOf } from './find-run.js';
import { resolveRun } from './run-name.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';
import { OutFolder } from './write-out.js';

export interface ExportOptions {
  to: string;
  json: boolean;
}

/**
 * `cryfold export mlflow [RUN...]`: exports finished runs, their models and the registered final models to an MLflow
 * tracking folder. A cryfold run becomes an MLflow run in an experiment named after its spec, with a nested run for
 * each estimator and fusion. Exporting again overwrites the same runs.
 */
export async function exportMlflowCommand(runs: string[], options: ExportOptions, config: Config): Promise<number> {
  const store = new RunStore(await modelStore(config));
  try {
    const target = resolve(options.to);
    const root = pathToFileURL(target).href;
    const folder = new OutFolder(target);
    const write: WriteFiles = async (files) => {
      for (const [path, content] of files) {
        await (path.endsWith('/') ? folder.folder(path) : folder.write(path, content));
      }
    };
    const place = placeOf(storeUrlOf(config), config);
    const hint = `${config.target.kind === 'server' ? '' : 'Choose the store with --store. '}To list its runs, use: cryfold list`;
    const exported = await finishedRuns(store, runs, place, hint);
    if (exported.length === 0) throw new CryfoldError('RUN_NOT_FOUND', `${place} has no finished run`, { hint });
    // MLflow expects an experiment with id 0, and would otherwise create one.
    await write(
      new Map([
        [
          '0/meta.yaml',
          [...experimentFiles(root, 'Default', Date.now()).values()][0].replaceAll(experimentId('Default'), '0'),
        ],
      ]),
    );
    for (const id of exported) await write(await filesOfRun(store, root, id));
    const models = runs.length > 0 ? 0 : await exportModels(store.artifacts, root, write);
    const said = { to: target, runs: exported, models };
    say(
      options.json
        ? `${jsonText(said)}\n`
        : `${counted(exported.length, 'run')} and ${counted(models, 'model version')} exported to ${target}\n` +
            `view: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri ${root}\n` +
            `import into a database: mlflow migrate-filestore --source ${target} --target sqlite:///mlflow.db\n`,
    );
    return EXIT.done;
  } finally {
    await store.close();
  }
}

async function finishedRuns(
  store: RunStore,
  wanted: readonly string[],
  place: string,
  hint: string,
): Promise<string[]> {
  const found = await store.runs.withResults();
  const ids = await Promise.all(wanted.map((name) => resolveRun(name, store)));
  for (const id of ids) {
    if (!found.includes(id)) throw await noResults(store, id, `${place} has no run ${id}`, hint);
  }
  return ids.length > 0 ? ids : found;
}
