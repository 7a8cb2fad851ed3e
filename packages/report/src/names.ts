import { caveatOf, withSearched } from '@cryfold/estimators';
import type { RunResults, TrialRow } from '@cryfold/evaluation';

/**
 * Returns the name of a model, followed by a caveat about its figures if there is one: `tl-resnet50 (random weights)`.
 */
function withCaveat(name: string, caveat: string | undefined): string {
  return caveat === undefined ? name : `${name} (${caveat})`;
}

/**
 * Returns the name as it is in the spec. Names in specs do not contain spaces, so anything after a space is a caveat.
 */
export function plainName(name: string): string {
  return name.split(' ', 1)[0];
}

type Stored = Pick<RunResults, 'spec' | 'search'>;
type Parameters = Readonly<Record<string, unknown>>;

function inSpec({ estimators }: RunResults['spec'], name: string): Parameters | undefined {
  const entries = (estimators ?? {}) as Record<string, Parameters>;
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

/**
 * An estimator's entry in the spec, with the parameters that a search has selected.
 * @param name with or without its caveat
 * @returns undefined for a fusion, and for results without a spec
 */
export function entryOf({ spec, search }: Stored, name: string): Parameters | undefined {
  const plain = plainName(name);
  const winner = search?.winners.find(({ base }) => plainName(base) === plain);
  const entry = inSpec(spec, plain);
  return entry && (withSearched(entry, winner?.parameters ?? {}) as Parameters);
}

/** The name of a model in tables and reports. */
export function displayName(results: Stored, name: string): string {
  return name === plainName(name) ? withCaveat(name, caveatOf(entryOf(results, name))) : name;
}

/** Returns the trials of a sweep with their display names. */
export function namedTrials(spec: RunResults['spec'], trials: readonly TrialRow[]): TrialRow[] {
  return trials.map((row) => {
    if (row.trial !== plainName(row.trial)) return row;
    const caveat = caveatOf(withSearched(inSpec(spec, row.base) ?? {}, row.parameters));
    return { ...row, trial: withCaveat(row.trial, caveat) };
  });
}

/** Returns results in which models have their display names. Idempotent. */
export function named(results: RunResults): RunResults {
  const show = (name: string) => displayName(results, name);
  const { baselines, search } = results;
  return {
    ...results,
    models: results.models.map((model) => ({
      ...model,
      name: show(model.name),
      ...(model.members ? { members: model.members.map(show) } : {}),
    })),
    missing: results.missing.map((fold) => ({ ...fold, model: show(fold.model) })),
    comparisons: results.comparisons.map((pair) => ({ ...pair, a: show(pair.a), b: show(pair.b) })),
    baselines: {
      ...baselines,
      ...(baselines.shuffled
        ? { shuffled: baselines.shuffled.map((one) => ({ ...one, model: show(one.model) })) }
        : {}),
    },
    ...(search
      ? {
          search: {
            ...search,
            trials: namedTrials(results.spec, search.trials),
            winners: search.winners.map((winner) => ({ ...winner, base: show(winner.base) })),
          },
        }
      : {}),
  };
}
