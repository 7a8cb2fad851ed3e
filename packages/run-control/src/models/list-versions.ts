import { headlineOf, type ModelCard, type ModelRegistry, refitted } from '@cryfold/model-registry';
import { protocolNameOf } from '@cryfold/plan';
import type { ListedVersion } from '../live.js';

/** All readable versions of all final models, the newest first. */
export async function listVersions(registry: ModelRegistry): Promise<ListedVersion[]> {
  const found: ListedVersion[] = [];
  for (const name of await registry.names()) {
    const { cards, champion } = await registry.look(name);
    found.push(...cards.map((card) => listed(card, champion?.version)));
  }
  return found.sort((a, b) => (a.created < b.created ? 1 : -1));
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
