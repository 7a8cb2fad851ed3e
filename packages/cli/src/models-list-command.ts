import { counted } from '@cryfold/core';
import { headlineOf, headlineText, type ModelCard, ModelRegistry, refitted } from '@cryfold/model-registry';
import { protocolNameOf } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import { asTyped } from './command-text.js';
import { EXIT } from './exit-codes.js';
import { modelStore } from './find-model.js';
import { leftColumns, protocolText } from './format.js';
import { BY, type Listed } from './listed.js';
import type { ModelOrder } from './sort-orders.js';
import { jsonText, say } from './terminal.js';

/** Why a model record cannot be read, and what to do about it. */
interface DamageRecord {
  code: string;
  message: string;
  hint?: string;
}

interface ListedModel {
  name: string;
  champion: string | null;
  versions: ModelCard[];
  damaged?: DamageRecord[];
}

const HEAD = ['model', 'champion', 'date', 'dataset', 'refitted', 'score', 'cryfold'];

/** `cryfold models list` */
export async function modelsListCommand(
  { json, sort }: { json: boolean; sort: ModelOrder },
  config: Config,
): Promise<number> {
  const store = await modelStore(config);
  try {
    const models = await readModels(new ModelRegistry(store), sort);
    say(json ? `${jsonText({ models: models.map(inJson) })}\n` : table(models, sort));
    return EXIT.done;
  } finally {
    await store.close();
  }
}

/** All models. When sorting by a property of versions, the versions of each model are sorted as well. */
async function readModels(registry: ModelRegistry, sort: ModelOrder): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  for (const name of await registry.names()) {
    const { cards, champion, damaged } = await registry.scan(name);
    const records = damaged.map(({ code, message, hint }) => ({ code, message, ...(hint ? { hint } : {}) }));
    models.push({
      ...{ name, champion: champion?.version ?? null, versions: sorted(cards, sort, (card) => card) },
      ...(records.length > 0 ? { damaged: records } : {}),
    });
  }
  return models;
}

function sorted<T>(all: readonly T[], sort: ModelOrder, cardOf: (one: T) => ModelCard): T[] {
  if (sort === 'name') return [...all];
  return [...all].sort((a, b) => BY[sort](listedOf(cardOf(a)), listedOf(cardOf(b))));
}

function listedOf({ created, data, metrics: [own] }: ModelCard): Listed {
  const headline = own && headlineOf(own);
  return { date: created, dataset: data.name, metric: headline?.metric, mean: headline?.mean };
}

function inJson({ versions, ...rest }: ListedModel) {
  return {
    ...rest,
    versions: versions.map((card) => {
      const { version, created, run, of, data, metrics, cryfold } = card;
      const { metric = null, mean = null } = listedOf(card);
      return { version, created, run, of, data, metric, score: mean, metrics, cryfold: cryfold.version };
    }),
  };
}

function table(models: readonly ListedModel[], sort: ModelOrder): string {
  const versions = models.flatMap(({ champion, versions }) => versions.map((card) => ({ champion, card })));
  const rows = sorted(versions, sort, ({ card }) => card).map(({ champion, card }) => [
    ...[`${card.name}@${card.version}`, card.version === champion ? 'champion' : '', card.created.slice(0, 16)],
    ...[
      `${card.data.name}, ${counted(card.data.clips, 'clip')}`,
      refitted(card),
      figuresOf(card),
      card.cryfold.version,
    ],
  ]);
  const damaged = models.flatMap(({ name, damaged = [] }) =>
    damaged.map(({ code, message, hint }) => `${name}  damaged  ${code}: ${message}${hint ? `. ${hint}` : ''}`),
  );
  const lines = [...(rows.length > 0 ? leftColumns([HEAD, ...rows]) : []), ...damaged];
  if (lines.length > 0) return `${lines.join('\n')}\n`;
  return `no models yet; train one from the latest run: ${asTyped('cryfold train-final latest')}\n`;
}

/** The most important figure under each protocol. */
function figuresOf({ metrics, data }: ModelCard): string {
  const figures = metrics.map((one) => {
    const { warning, ...headline } = headlineOf(one);
    const { splitter, repeats, folds } = one;
    const protocol = protocolText({ name: protocolNameOf(splitter, data.name), splitter, repeats, folds });
    return `${headlineText(headline)} (${protocol}${warning ? ', inflated by leaks' : ''})`;
  });
  return figures.join(', ');
}
