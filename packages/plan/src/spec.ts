import { CryfoldError } from '@cryfold/core';
import { estimatorSchema, kindOf } from '@cryfold/estimators';
import { FUSION_RULES, SPLITTERS, splitterOf } from '@cryfold/evaluation';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { extremes, parameterProblem, searchSchema } from './search-spec.js';

const positive = z.number().positive();
const count = z.int().positive();

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and dashes');

export const specSchema = z.strictObject({
  version: z.literal(1),
  name,
  features: z
    .strictObject({
      kind: z.literal('spectrogram').default('spectrogram'),
      height: z.int().min(8).max(513).default(60),
      width: z.int().min(8).max(800).default(90),
      clipSeconds: positive.default(1),
    })
    .prefault({}),
  protocol: z
    .strictObject({
      splitter: z.enum(SPLITTERS).default('RepeatedKFold'),
      folds: z.int().min(2).default(5),
      repeats: count.default(10),
    })
    .prefault({}),
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** TensorFlow threads of one training child; part of the result's identity, since sums depend on it. */
  threads: count.default(1),
  /** Whether TensorFlow compiles the networks' graphs with XLA; part of the result's identity, too. */
  xla: z.boolean().optional(),
  /** `epoch` saves networks after each epoch, so that a killed fold goes on from there; results are the same. */
  checkpoint: z.enum(['none', 'epoch']).default('none'),
  /** How many times each estimator is also trained on shuffled labels, over the first repeat's folds. */
  nulls: z.int().min(0).max(100).optional(),
  /** Which folds' trained networks are kept: none, the default; of each trial the one of least test log-loss; or all. */
  keepModels: z.enum(['none', 'best', 'all']).optional(),
  estimators: z.record(name, estimatorSchema),
  fusion: z
    .record(name, z.strictObject({ rule: z.enum(FUSION_RULES).default('mean'), members: z.array(name).min(2) }))
    .default({}),
  /** Turns the run into a sweep: docs/sweeps.md */
  search: searchSchema.optional(),
});

export type Spec = z.infer<typeof specSchema>;
/** The JSON Schema (draft 2020-12) of a spec as it is written, published as docs/spec.schema.json. */
export function specJsonSchema(): object {
  return { title: 'cryfold spec, version 1', ...z.toJSONSchema(specSchema, { io: 'input' }) };
}

/**
 * Parses and checks a spec.
 * @param source YAML text
 * @param file what to call it in messages
 * @throws CryfoldError SPEC_INVALID with file, line and key
 */
export function parseSpec(source: string, file: string): Spec {
  const document = parseDocument(source, { logLevel: 'silent' });
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const unreadable = (line: number, message: string) =>
    new CryfoldError('SPEC_INVALID', `${file}:${line}: ${message.split('\n')[0]}`, {
      context: { file, line },
      hint: 'Mend the YAML; specs/paper.yaml is a complete example.',
    });
  const [syntax] = document.errors;
  if (syntax) throw unreadable(lineAt(syntax.pos[0]), syntax.message);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Aliases that lead nowhere, or to more than a spec can need.
    throw unreadable(1, (error as Error).message);
  }
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : [...issue.path];
    let node: unknown;
    for (let depth = path.length; depth >= 0 && !node; depth--) node = document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    const line = range ? lineAt(range[0]) : 1;
    const key = path.join('.') || '(top level)';
    throw new CryfoldError('SPEC_INVALID', `${file}:${line}: ${key}: ${issue.message}`, {
      context: { file, line, key },
      hint: 'Mend this key; specs/paper.yaml shows every key.',
    });
  }
  checkReferences(parsed.data, file);
  return parsed.data;
}

/** Checks what a schema cannot: names that refer to one another. */
function checkReferences(spec: Spec, file: string): void {
  const invalid = (key: string, message: string) =>
    new CryfoldError('SPEC_INVALID', `${file}: ${key}: ${message}`, { context: { file, key } });
  if (Object.keys(spec.estimators).length === 0) throw invalid('estimators', 'name at least one estimator');
  const { splitter, repeats } = spec.protocol;
  if (!splitterOf(splitter).repeats && repeats > 1) {
    throw invalid('protocol.repeats', `${splitter} has one repeat: write repeats: 1, or splitter: Repeated${splitter}`);
  }
  for (const [fusion, { members }] of Object.entries(spec.fusion)) {
    if (fusion in spec.estimators) throw invalid(`fusion.${fusion}`, 'an estimator already has this name');
    for (const member of members) {
      if (!(member in spec.estimators)) throw invalid(`fusion.${fusion}.members`, `no estimator is named ${member}`);
    }
  }
  if (spec.search) checkSearch(spec, invalid);
}

type Invalid = (key: string, message: string) => CryfoldError;

/** Each searched parameter must be one of its estimator, and what it may become must be allowed there. */
function checkSearch({ search, estimators }: Spec, invalid: Invalid): void {
  const { space = {}, algorithm, asha, racing } = search ?? {};
  if (Object.keys(space).length === 0) throw invalid('search.space', 'name an estimator and its parameters');
  if (asha && algorithm !== 'asha') throw invalid('search.asha', 'only with algorithm: asha');
  if (racing && algorithm === 'asha')
    throw invalid('search.racing', 'not with algorithm: asha, which stops trials itself');
  for (const [name, parameters] of Object.entries(space)) {
    const at = `search.space.${name}`;
    const estimator = estimators[name];
    if (!estimator) throw invalid(at, 'no estimator has this name');
    const taken = Object.keys(estimators).find((other) => other.startsWith(`${name}-`) && /-\d{3,}$/.test(other));
    if (taken) throw invalid(`estimators.${taken}`, `a trial of ${name} may be called so: give it another name`);
    if (asha?.resource === 'epochs' && !kindOf(estimator).epochs) {
      throw invalid(at, `${estimator.kind} has no epochs: use folds`);
    }
    if (asha?.resource === 'epochs' && 'epochs' in parameters) {
      throw invalid(`${at}.epochs`, 'asha gives the epochs itself, up to those of the estimator');
    }
    if (Object.keys(parameters).length === 0) throw invalid(at, 'name at least one parameter');
    for (const [key, parameter] of Object.entries(parameters)) {
      const where = `${at}.${key}`;
      if (key === 'kind') throw invalid(where, 'the kind of an estimator cannot be searched: name two estimators');
      const problem = parameterProblem(parameter, algorithm === 'grid');
      if (problem) throw invalid(where, problem);
      for (const value of extremes(parameter)) {
        const parsed = estimatorSchema.safeParse({ ...estimator, [key]: value });
        if (!parsed.success) throw invalid(where, `${JSON.stringify(value)}: ${parsed.error.issues[0].message}`);
      }
      for (const other of Object.keys(parameter.when ?? {})) {
        if (!(other in estimator)) throw invalid(`${where}.when`, `${estimator.kind} has no parameter ${other}`);
        if (parameters[other]?.when) throw invalid(`${where}.when`, `${other} is conditional itself`);
      }
    }
  }
}
