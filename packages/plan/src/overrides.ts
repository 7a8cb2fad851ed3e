import { CryfoldError, didYouMean } from '@cryfold/core';
import { kindOf } from '@cryfold/estimators';
import { isFitted, splitterOf } from '@cryfold/evaluation';
import { metricNamed } from './metric-name.js';
import { canFit, checkProtocol } from './protocol.js';
import { protocolOf } from './protocol-names.js';
import type { Priority } from './scheduling.js';
import { metricOfSpec, withMetric } from './spec-metric.js';
import type { Spec } from './spec-schema.js';

/** The parts of a spec that flags can change. */
export interface Overrides {
  repeats?: number;
  folds?: number;
  estimators?: string[];
  epochs?: number;
  seed?: number;
  weights?: string;
  priority?: Priority;
  maxParallel?: number;
  /** How many times to shuffle the labels, like `nulls` in the spec */
  null?: number;
  /** The metric by which models are compared and ranked, and by which a sweep selects trials */
  metric?: string;
  /** A name from `evaluationsOf`; the splitter with this name replaces the spec's splitter */
  protocol?: string;
}

/**
 * Applies flags to a spec.
 * @param say called with a message for each fusion that is skipped
 * @param overrides `protocol` is a name from `evaluationsOf`
 * @throws CryfoldError USAGE for an estimator that the spec does not have, an unknown metric, or a protocol that is not
 * compatible with the spec's search
 */
export function applyOverrides(spec: Spec, overrides: Overrides, say: (text: string) => void): Spec {
  const { seed = spec.seed } = overrides;
  const wanted = overrides.estimators ?? Object.keys(spec.estimators);
  for (const name of wanted) {
    if (Object.hasOwn(spec.estimators, name)) continue;
    throw new CryfoldError('USAGE', `--estimators: the spec has no estimator ${JSON.stringify(name)}`, {
      context: { estimator: name },
      hint: `${didYouMean(name, Object.keys(spec.estimators))}The spec has: ${Object.keys(spec.estimators).join(', ')}.`,
    });
  }
  if (wanted.length === 0) throw new CryfoldError('USAGE', '--estimators: list at least one estimator');
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
    if (absent.length > 0) say(`${name} is skipped: it needs ${absent.join(', ')}`);
    else if (isFitted(rule.rule) && !canFit(protocol.splitter))
      say(
        `${name} is skipped: ${protocol.splitter} never tests the training clips that ${rule.rule} fusion learns from`,
      );
    else if (rule.nested && !splitterOf(protocol.splitter).takes.includes('folds'))
      say(
        `${name} is skipped: a nested fusion needs a number of inner folds, which ${protocol.splitter} does not support`,
      );
    else fusion[name] = rule;
  }
  const nulls = overrides.null ?? spec.nulls;
  const { search, ...plain } = spec;
  const space = Object.fromEntries(
    Object.entries(search?.space ?? {}).filter(([name]) => Object.hasOwn(estimators, name)),
  );
  const metric = overrides.metric === undefined ? metricOfSpec(spec) : metricNamed(overrides.metric);
  const named: Spec = {
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
  const changed = withMetric(named, metric);
  checkProtocol(changed, (key, message) => new CryfoldError('USAGE', `${key}: ${message}`, { context: { key } }));
  return changed;
}
