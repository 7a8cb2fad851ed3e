import { CryfoldError, didYouMean, LIMITS } from '@cryfold/core';
import { estimatorSchema, kindOf, searchedOf, withSearched } from '@cryfold/estimators';
import { isFitted, LEAST_FOLDS } from '@cryfold/evaluation';
import { checkFeatureSets, normalizeFeatures } from './feature-sets.js';
import { checkJobCount } from './plan-size.js';
import { checkProtocol, withProtocolDefaults } from './protocol.js';
import { extremes, parameterProblem } from './search-spec.js';
import { DEFAULT_HINT, specProblem } from './spec-problem.js';
import { type Spec, specSchema } from './spec-schema.js';
import { readYaml } from './spec-yaml.js';

/**
 * Parses and checks a spec.
 * @param source YAML text, at most `LIMITS.specBytes`
 * @param file name shown in messages
 * @throws CryfoldError SPEC_INVALID with file, line and key; PLAN_TOO_LARGE
 */
export function parseSpec(source: string, file: string): Spec {
  refuseLongSpec(Buffer.byteLength(source), file);
  const { value, lineOf } = readYaml(source, file);
  refuseKeys(value, file);
  return checkValue(value, file, lineOf);
}

/**
 * Like `parseSpec`, for a spec that is already an object, such as the body of a request.
 * @throws CryfoldError SPEC_INVALID with the key; PLAN_TOO_LARGE
 */
export function checkSpec(value: unknown, file: string): Spec {
  refuseKeys(value, file);
  refuseLongSpec(Buffer.byteLength(JSON.stringify(value) ?? ''), file);
  return checkValue(value, file, () => undefined);
}

function refuseLongSpec(bytes: number, file: string): void {
  if (bytes <= LIMITS.specBytes) return;
  throw new CryfoldError('PLAN_TOO_LARGE', `${file}: ${bytes} bytes; a spec can have at most ${LIMITS.specBytes}`, {
    context: { file, bytes, limit: LIMITS.specBytes },
    hint: 'Split the estimators into several specs.',
  });
}

/** Location of a key in the spec; undefined if line numbers are unknown. */
type LineOf = (path: readonly PropertyKey[]) => number | undefined;

const at = (line: number | undefined): string => (line === undefined ? '' : `:${line}`);

/** Maximum depth of a spec. The schema needs six levels. */
const DEPTH = 100;

/**
 * Rejects values that the schemas would ignore or that would overflow the stack.
 * @throws CryfoldError SPEC_INVALID for a key `__proto__`, or if there are too many levels
 */
function refuseKeys(value: unknown, file: string, path: readonly string[] = []): void {
  if (typeof value !== 'object' || value === null) return;
  const invalid = (why: string) =>
    new CryfoldError('SPEC_INVALID', `${file}: ${why}`, { context: { file }, hint: 'Correct this key.' });
  if (path.length > DEPTH) throw invalid('nested too deeply');
  if (Object.hasOwn(value, '__proto__')) throw invalid(`${[...path, '__proto__'].join('.')}: this name is not allowed`);
  for (const [key, member] of Object.entries(value)) refuseKeys(member, file, [...path, key]);
}

function checkValue(value: unknown, file: string, lineOf: LineOf): Spec {
  const normal = withProtocolDefaults(normalizeFeatures(value));
  const parsed = specSchema.safeParse(normal);
  const invalid = (path: readonly PropertyKey[], why: string, hint = DEFAULT_HINT) => {
    const line = lineOf(path);
    const key = path.join('.').slice(0, LIMITS.label) || '(top level)';
    return new CryfoldError('SPEC_INVALID', `${file}${at(line)}: ${key}: ${why}`, {
      context: { file, ...(line === undefined ? {} : { line }), key },
      hint,
    });
  };
  if (!parsed.success) {
    // Unknown keys are reported first: a misspelt key is often the reason why another key is missing.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    const { path, why, hint } = specProblem(issue, normal);
    throw invalid(path, why, hint);
  }
  checkReferences(parsed.data, (key, why, hint) => invalid(key.split('.'), why, hint));
  checkJobCount(parsed.data);
  return parsed.data;
}

/** Checks what a schema cannot check, such as whether names refer to something that exists. */
function checkReferences(spec: Spec, invalid: Invalid): void {
  const names = Object.keys(spec.estimators);
  if (names.length === 0) throw invalid('estimators', 'specify at least one estimator');
  for (const key of ['estimators', 'fusion'] as const) {
    const most = key === 'fusion' ? LIMITS.fusions : LIMITS.estimators;
    const has = Object.keys(spec[key]).length;
    if (has > most) throw invalid(key, `there are ${has}; a spec may have at most ${most}`);
  }
  checkProtocol(spec, invalid);
  for (const [fusion, { members }] of Object.entries(spec.fusion)) {
    if (Object.hasOwn(spec.estimators, fusion)) throw invalid(`fusion.${fusion}`, 'an estimator already has this name');
    for (const member of members) {
      if (Object.hasOwn(spec.estimators, member)) continue;
      throw invalid(
        `fusion.${fusion}.members`,
        `there is no estimator ${member}`,
        `${didYouMean(member, names)}Estimators: ${names.join(', ')}.`,
      );
    }
    checkNested(spec, fusion, invalid);
  }
  checkFeatureSets(spec, invalid);
  if (spec.search && spec.metric) throw invalid('metric', 'a sweep uses search.metric: remove this key');
  if (spec.search) checkSearch(spec, invalid);
}

type Invalid = (key: string, message: string, hint?: string) => CryfoldError;

/**
 * A nested fusion must have parameters to learn, and must not learn from members that were selected on the outer folds.
 */
function checkNested({ fusion, search }: Spec, name: string, invalid: Invalid): void {
  const { rule, members, nested } = fusion[name];
  if (!nested) return;
  const at = `fusion.${name}.nested`;
  if (!isFitted(rule)) throw invalid(at, `the rule ${rule} does not learn from predictions: remove nested`);
  const searched = members.find((member) => Object.hasOwn(search?.space ?? {}, member));
  if (searched === undefined || search?.nested) return;
  throw invalid(
    at,
    `the parameters of ${searched} are searched: add nested: { inner: 4 } to search, so that they are selected inside each fold`,
  );
}

/** Each searched parameter must exist in its estimator, and its possible values must be valid there. */
function checkSearch({ search, estimators }: Spec, invalid: Invalid): void {
  const { space = {}, algorithm, asha, racing } = search ?? {};
  if (Object.keys(space).length === 0) throw invalid('search.space', 'specify an estimator and its parameters');
  if (asha && algorithm !== 'asha') throw invalid('search.asha', 'this key requires algorithm: asha');
  if (racing && algorithm === 'asha')
    throw invalid('search.racing', 'cannot be combined with algorithm: asha, which stops trials itself');
  if (racing && racing.minFolds < LEAST_FOLDS) {
    const why = `a difference over ${racing.minFolds} folds cannot be tested: write ${LEAST_FOLDS} or more`;
    throw invalid('search.racing.minFolds', why);
  }
  for (const [name, parameters] of Object.entries(space)) {
    const at = `search.space.${name}`;
    const estimator = Object.hasOwn(estimators, name) ? estimators[name] : undefined;
    if (!estimator) {
      const names = Object.keys(estimators);
      throw invalid(at, 'no estimator has this name', `${didYouMean(name, names)}There are: ${names.join(', ')}.`);
    }
    const taken = Object.keys(estimators).find((other) => other.startsWith(`${name}-`) && /-\d{3,}$/.test(other));
    if (taken) throw invalid(`estimators.${taken}`, `a trial of ${name} could have the same name: choose another one`);
    if (asha?.resource === 'epochs' && !kindOf(estimator).epochs) {
      throw invalid(at, `${estimator.kind} has no epochs: use folds`);
    }
    if (asha?.resource === 'epochs' && Object.hasOwn(parameters, 'epochs')) {
      throw invalid(`${at}.epochs`, 'asha chooses the number of epochs itself, up to the number set for the estimator');
    }
    if (Object.keys(parameters).length === 0) throw invalid(at, 'specify at least one parameter');
    for (const [key, parameter] of Object.entries(parameters)) {
      const where = `${at}.${key}`;
      if (key === 'kind') throw invalid(where, 'the kind of an estimator cannot be searched: define two estimators');
      const problem = parameterProblem(parameter, algorithm === 'grid');
      if (problem) throw invalid(where, problem);
      for (const value of extremes(parameter)) {
        const parsed = estimatorSchema.safeParse(withSearched(estimator, { [key]: value }));
        if (!parsed.success) throw invalid(where, `${JSON.stringify(value)}: ${parsed.error.issues[0].message}`);
      }
      for (const other of Object.keys(parameter.when ?? {})) {
        if (!Object.hasOwn(searchedOf(estimator), other))
          throw invalid(`${where}.when`, `${estimator.kind} has no parameter ${other}`);
        if (Object.hasOwn(parameters, other) && parameters[other].when)
          throw invalid(`${where}.when`, `${other} is itself conditional`);
      }
    }
  }
}
