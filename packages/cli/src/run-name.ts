import { CryfoldError, ifReadable, mapLimited } from '@cryfold/core';
import { isProtocolName, protocolNameOf } from '@cryfold/plan';
import { RUN_ID, type RunStore } from '@cryfold/store';

/** The name that refers to the run that was last started, finished or shown. */
const LATEST = 'latest';

/** Maximum number of runs to list in a message. */
const SHOWN = 8;

/**
 * Resolves the name of a run to its id. A name is an id, `latest`, a protocol (for its latest run), or a prefix of one
 * id. Returns an unknown name unchanged, so that the caller can report it.
 * @throws CryfoldError RUN_AMBIGUOUS if several ids have this prefix
 */
export async function resolveRun(name: string, store: RunStore): Promise<string> {
  if (!RUN_ID.test(name) || (await store.runs.has(name))) return name;
  const ids = await store.runs.ids();
  if (name === LATEST) return (await latestFirst(ids, store))[0] ?? name;
  if (isProtocolName(name)) return (await latestOf(name, ids, store)) ?? name;
  const found = ids.filter((id) => id.startsWith(name));
  if (found.length > 1) throw ambiguous(name, found);
  return found[0] ?? name;
}

async function latestFirst(ids: readonly string[], store: RunStore): Promise<string[]> {
  const used = await mapLimited(ids, async (id) => ({ id, at: (await store.runs.lastUsed(id))?.getTime() ?? 0 }));
  return used.sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
}

async function latestOf(protocol: string, ids: readonly string[], store: RunStore): Promise<string | undefined> {
  for (const id of await latestFirst(ids, store)) {
    const stored = await ifReadable(store.runs.plan(id));
    if (!stored) continue;
    const { spec, dataset } = stored.base;
    if (protocolNameOf(spec.protocol.splitter, dataset.name) === protocol) return id;
  }
  return undefined;
}

/** @param found ids or folders */
export function ambiguous(name: string, found: readonly string[]): CryfoldError {
  const more = found.length > SHOWN ? `, and ${found.length - SHOWN} more` : '';
  return new CryfoldError('RUN_AMBIGUOUS', `${name} matches ${found.length} runs`, {
    context: { run: name },
    hint: `Specify one of them: ${found.slice(0, SHOWN).join(', ')}${more}.`,
  });
}
