import { fileURLToPath } from 'node:url';
import { CryfoldError, ifReadable, readRegularText } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { isFitted, splitterOf } from '@cryfold/evaluation';
import { type Preparation, type PrepareOptions, prepareRun, weightsSources } from '@cryfold/local-run';
import { canFit, checkProtocol, type Priority, parseSpec, type Spec } from '@cryfold/plan';
import type { Config } from '@cryfold/runtime';
import type { RunStore } from '@cryfold/store';
import { checkLeaks } from './leak-gate.js';
import { protocolOf } from './protocol-names.js';

/** What flags may change of a spec. */
export interface Overrides {
  repeats?: number;
  folds?: number;
  estimators?: string[];
  epochs?: number;
  seed?: number;
  weights?: string;
  priority?: Priority;
  maxParallel?: number;
  /** Shuffles of the labels, as the spec's `nulls` */
  null?: number;
  /** A name that `evaluationsOf` gives, for the spec's splitter */
  protocol?: string;
}

export const PAPER_SPEC = fileURLToPath(new URL('../../../../specs/paper.yaml', import.meta.url));

/** Bytes of the largest spec that is read. */
const LARGEST_SPEC = 2 ** 20;

/** @throws CryfoldError SPEC_INVALID */
export async function readSpec(path: string): Promise<Spec> {
  return parseSpec(await readSpecText(path), path);
}

/** @throws CryfoldError SPEC_INVALID for what cannot be read; the text is not parsed */
export function readSpecText(path: string): Promise<string> {
  return readRegularText(path, LARGEST_SPEC).catch((cause) => {
    throw new CryfoldError('SPEC_INVALID', `${path}: cannot be read: ${cause.message}`, {
      cause,
      context: { file: path },
      hint: 'Give the path of a YAML spec, or none for specs/paper.yaml.',
    });
  });
}

/**
 * @param say told about fusions that lose a member to `--estimators`
 * @param overrides `protocol` is a name that `evaluationsOf` gives
 * @throws CryfoldError USAGE for an estimator that the spec does not have, or a protocol that does not suit its search
 */
export function applyOverrides(spec: Spec, overrides: Overrides, say: (text: string) => void): Spec {
  const { seed = spec.seed } = overrides;
  const wanted = overrides.estimators ?? Object.keys(spec.estimators);
  for (const name of wanted) {
    if (Object.hasOwn(spec.estimators, name)) continue;
    throw new CryfoldError('USAGE', `--estimators: the spec has no estimator ${JSON.stringify(name)}`, {
      context: { estimator: name },
      hint: `It has: ${Object.keys(spec.estimators).join(', ')}.`,
    });
  }
  if (wanted.length === 0) throw new CryfoldError('USAGE', '--estimators: none is named');
  const protocol = protocolOf(spec.protocol, overrides);
  const estimators: Spec['estimators'] = {};
  for (const [name, estimator] of Object.entries(spec.estimators)) {
    if (!wanted.includes(name)) continue;
    const { epochs, pretrained } = kindOf(estimator);
    let changed = estimator;
    if (epochs && overrides.epochs !== undefined) changed = epochs.with(changed, overrides.epochs);
    if (pretrained && overrides.weights !== undefined) changed = pretrained.withSource(changed, overrides.weights);
    estimators[name] = changed;
  }
  const fusion: Spec['fusion'] = {};
  for (const [name, rule] of Object.entries(spec.fusion)) {
    const absent = rule.members.filter((member) => !Object.hasOwn(estimators, member));
    if (absent.length > 0) say(`${name} is left out: it needs ${absent.join(', ')}`);
    else if (isFitted(rule.rule) && !canFit(protocol.splitter))
      say(
        `${name} is left out: ${protocol.splitter} never tests the training clips that ${rule.rule} fusion learns from`,
      );
    else if (rule.nested && !splitterOf(protocol.splitter).takes.includes('folds'))
      say(`${name} is left out: ${protocol.splitter} takes no number of inner folds, which a nested fusion needs`);
    else fusion[name] = rule;
  }
  const nulls = overrides.null ?? spec.nulls;
  const { search, ...plain } = spec;
  const space = Object.fromEntries(
    Object.entries(search?.space ?? {}).filter(([name]) => Object.hasOwn(estimators, name)),
  );
  const changed: Spec = {
    ...plain,
    ...(search && Object.keys(space).length > 0 ? { search: { ...search, space } } : {}),
    ...(nulls === undefined ? {} : { nulls }),
    ...(overrides.priority && { priority: overrides.priority }),
    ...(overrides.maxParallel && { maxParallel: overrides.maxParallel }),
    seed,
    protocol,
    estimators,
    fusion,
  };
  checkProtocol(changed, (key, message) => new CryfoldError('USAGE', `${key}: ${message}`, { context: { key } }));
  return changed;
}

export interface CheckedOptions extends Omit<PrepareOptions, 'checkLeaks' | 'knownSounds' | 'sources'> {
  allowLeak: boolean;
  store: RunStore;
  config: Config;
}

/**
 * `prepareRun` with what every command gives it: the leak gate, and a store to take weights from. Sounds that an earlier
 * command compared are taken from a local store only: in others, somebody else may have put them.
 * @throws CryfoldError LEAK_FOUND and what `prepareRun` throws
 */
export function prepareChecked({ allowLeak, store, config, ...options }: CheckedOptions): Promise<Preparation> {
  const own = config.target.kind === 'local';
  return prepareRun({
    ...options,
    sources: weightsSources(store, config.cacheDir),
    knownSounds: own ? (contentHash) => ifReadable(store.datasets.sharedSounds(contentHash)) : undefined,
    checkLeaks: (dataset, splits, sounds) => checkLeaks(options.spec, dataset, splits, { sounds, allowLeak }),
  });
}
