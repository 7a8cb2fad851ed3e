import { CryfoldError } from '@cryfold/core';
import { cardText, ModelRegistry } from '@cryfold/model-registry';
import type { Config } from '@cryfold/runtime';
import type { ArtifactStore } from '@cryfold/store';
import { asTyped } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { modelStore, noModel, parseModel } from './find-model.js';
import { modelControl } from './model-control.js';
import { storeUrlOf } from './store-url.js';
import { jsonText, say } from './terminal.js';

export interface ModelsOptions {
  json: boolean;
}

async function withStore<T>(config: Config, work: (store: ArtifactStore) => Promise<T>): Promise<T> {
  const store = await modelStore(config);
  return work(store).finally(() => store.close());
}

const withRegistry = <T>(config: Config, work: (registry: ModelRegistry) => Promise<T>) =>
  withStore(config, (store) => work(new ModelRegistry(store)));

function named(model: string): { name: string; version?: string } {
  const what = parseModel(model);
  if ('name' in what) return what;
  throw noModel(model);
}

const print = (json: boolean, value: unknown, text: () => string) => say(json ? `${jsonText(value)}\n` : text());

/**
 * `cryfold models show NAME[@VERSION]`: shows the card of a version (by default, the champion) and the model's
 * promotions.
 */
export function modelsShowCommand(model: string, options: ModelsOptions, config: Config): Promise<number> {
  return withRegistry(config, async (registry) => {
    const { name, version } = named(model);
    const history = await registry.history(name);
    const card = version === undefined && history.length === 0 ? undefined : await registry.find(name, version);
    if (!card && (await registry.versions(name)).length === 0) await registry.find(name);
    const versions = (await registry.versions(name)).map((one) => one.version);
    print(
      options.json,
      { name, champion: history.at(-1)?.version ?? null, versions, history, card: card ?? null },
      () => {
        const lines = history.map(
          ({ seq, at, by, version: to, reason }) => `${seq}. ${at.slice(0, 16)} ${by} ${to}: ${reason}\n`,
        );
        const head = card ? cardText(card) : `${name} has no champion yet; versions: ${versions.join(', ')}\n`;
        return `${head}${lines.length > 0 ? `\nPromotions\n${lines.join('')}` : ''}`;
      },
    );
    return EXIT.done;
  });
}

/** `cryfold models promote NAME@VERSION` */
export function modelsPromoteCommand(
  model: string,
  options: ModelsOptions & { reason: string },
  config: Config,
): Promise<number> {
  return withStore(config, async (store) => {
    const models = modelControl(store, storeUrlOf(config), config);
    const { name, version } = named(model);
    if (version === undefined) throw noVersion(name);
    const promotion = await models.promote(name, version, { by: 'promote', reason: options.reason });
    print(
      options.json,
      promotion,
      () =>
        `${name}@${promotion.version} is now the champion\nshow its card: ${asTyped(`cryfold models show ${name}`)}\n`,
    );
    return EXIT.done;
  });
}

function noVersion(name: string): CryfoldError {
  return new CryfoldError('USAGE', `${name} does not include a version`, {
    hint: 'Specify the model as NAME@VERSION. To list all versions, use: cryfold models list',
  });
}

/** `cryfold models rollback NAME` */
export function modelsRollbackCommand(
  model: string,
  options: ModelsOptions & { reason: string },
  config: Config,
): Promise<number> {
  return withStore(config, async (store) => {
    const models = modelControl(store, storeUrlOf(config), config);
    const promotion = await models.rollback(named(model).name, options.reason);
    print(options.json, promotion, () => `${model}@${promotion.version} is the champion again\n`);
    return EXIT.done;
  });
}
