import { didYouMean, isObject, LIMITS } from '@cryfold/core';
import type { z } from 'zod';
import { specJsonSchema } from './spec-schema.js';

/** A problem with a spec, described in words. */
export interface SpecProblem {
  /** Path of the key that causes the problem */
  path: PropertyKey[];
  why: string;
  hint: string;
}

/** Maximum number of names to list in a message. */
const SHOWN = 20;

/**
 * Describes in words an issue that a schema found, with a suggestion.
 * @param value the spec that was checked
 */
export function specProblem(issue: z.core.$ZodIssue, value: unknown): SpecProblem {
  const path = [...issue.path];
  const found = path.reduce<unknown>(
    (at, key) => (isObject(at) || Array.isArray(at) ? at[key as never] : undefined),
    value,
  );
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys;
    const more = issue.keys.length > 1 ? `, and ${issue.keys.length - 1} more` : '';
    const known = keysAt(path, found);
    const list = known.length > 0 ? `Known keys: ${known.slice(0, SHOWN).join(', ')}.` : DEFAULT_HINT;
    return {
      path: [...path, unknown],
      why: `there is no such key${more}`,
      hint: `${didYouMean(unknown, known)}${list}`,
    };
  }
  const names = valuesAt(path);
  if (names.length > 0 && typeof found === 'string') {
    const why = `there is no ${JSON.stringify(found.slice(0, LIMITS.label))}`;
    return { path, why, hint: `${didYouMean(found, names)}Possible values: ${names.join(', ')}.` };
  }
  if (path.length === 0 && !isObject(value)) {
    return { path, why: value === null ? 'the spec is empty' : 'a spec must be a map of keys', hint: DEFAULT_HINT };
  }
  if (issue.code === 'invalid_type' && found === undefined)
    return { path, why: 'this key is missing', hint: DEFAULT_HINT };
  if (issue.code === 'invalid_key') return { path, why: issue.issues[0].message, hint: 'Rename this key.' };
  if (issue.code === 'invalid_type' && typeof found === 'string' && ['number', 'int'].includes(issue.expected)) {
    return {
      path,
      why: `${JSON.stringify(found.slice(0, LIMITS.label))} is text, not a number`,
      hint: numberHint(found),
    };
  }
  return { path, why: issue.message, hint: DEFAULT_HINT };
}

export const DEFAULT_HINT = 'Correct this key; docs/spec.md lists every key.';

function numberHint(text: string): string {
  const number = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || Number.isNaN(number)) return 'Write a number.';
  return text.includes(',') ? `Write it with a decimal point: ${number}.` : `Write it without quotes: ${text.trim()}.`;
}

type Schema = Record<string, unknown>;

/** A schema and all of its alternatives. */
function branches(schema: Schema): Schema[] {
  const others = [schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? list.filter(isObject) : []));
  return [schema, ...others.flatMap(branches)];
}

function schemasAt(path: readonly PropertyKey[]): Schema[] {
  let schemas = branches(specJsonSchema() as Schema);
  for (const key of path) {
    schemas = schemas.flatMap(({ properties, additionalProperties, items }) => {
      const own = isObject(properties) && Object.hasOwn(properties, key) ? properties[key as string] : undefined;
      const below = own ?? (typeof key === 'number' ? items : additionalProperties);
      return isObject(below) ? branches(below) : [];
    });
  }
  return schemas;
}

/** Returns the keys allowed at a path. If the value has a kind, returns only the keys of that kind. */
function keysAt(path: readonly PropertyKey[], found: unknown): string[] {
  const maps = schemasAt(path).flatMap(({ properties }) => (isObject(properties) ? [properties] : []));
  const kind = isObject(found) ? found.kind : undefined;
  const own = maps.filter(({ kind: schema }) => isObject(schema) && schema.const === kind);
  return [...new Set((own.length > 0 ? own : maps).flatMap((properties) => Object.keys(properties)))];
}

/** Returns the strings that are allowed at a path, if only certain strings are allowed. */
function valuesAt(path: readonly PropertyKey[]): string[] {
  const values = schemasAt(path).flatMap((schema) => (Array.isArray(schema.enum) ? schema.enum : [schema.const]));
  return [...new Set(values.filter((value): value is string => typeof value === 'string'))];
}
