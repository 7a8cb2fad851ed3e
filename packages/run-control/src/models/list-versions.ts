import { headlineOf, type ModelCard, type ModelRegistry, refitted } from '@cryfold/model-registry';
import { protocolNameOf } from '@cryfold/plan';
import type { ListedModels, ListedVersion } from '../live.js';

/** Lists all versions of all final models, newest first, and the records that cannot be read. */
export async function listVersions(registry: ModelRegistry): Promise<ListedModels> {
  const versions: ListedVersion[] = [];
  const damaged: ListedModels['damaged'] = [];
  for (const name of await registry.names()) {
    const { cards, champion, damaged: errors } = await registry.scan(name);
    versions.push(...cards.map((card) => listed(card, champion?.version)));
    damaged.push(...errors.map(({ code, message, hint }) => ({ name, code, message, ...(hint ? { hint } : {}) })));
  }
  return { versions: versions.sort((a, b) => (a.created < b.created ? 1 : -1)), damaged };
}

function protocolOf({ splitter, repeats, folds }: ModelCard['metrics'][number], dataset: string) {
  return { name: protocolNameOf(splitter, dataset) ?? null, splitter, repeats, folds };
}

function listed(card: ModelCard, champion: string | undefined): ListedVersion {
  const { name, version, created, data, metrics, cryfold } = card;
  const [own] = metrics;
  const headline = own && headlineOf(own);
  return {
    ...{ name, version, created, champion: version === champion, of: refitted(card), cryfold: cryfold.version },
    ...{ dataset: data.name, clips: data.clips },
    protocol: own ? protocolOf(own, data.name) : null,
    score: headline
      ? {
          ...{ metric: headline.metric, mean: headline.mean },
          inflated: headline.warning !== undefined,
        }
      : null,
  };
}
