import { code } from './page.js';

/** The parts of JSON Schema that zod uses for specs and variables. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  items?: Schema | boolean;
  prefixItems?: readonly Schema[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  $ref?: string;
}

/** Describes the allowed values in words. */
export function valuesOf(schema: Schema): string {
  const { type, pattern, format } = schema;
  if (schema.const !== undefined) return code(String(schema.const));
  // z.json() is the only recursive schema
  if (schema.$ref) return 'any JSON';
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return [...new Set(either.map(valuesOf))].join('; or ');
  if (type === 'integer' || type === 'number')
    return `${type === 'integer' ? 'whole number' : 'number'}${bounds(schema)}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'array') return listOf(schema);
  if (type === 'object') return objectOf(schema);
  if (format === 'uri') return 'URL';
  return pattern === undefined ? 'text' : `text like ${code(pattern)}`;
}

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  // zod's limits for integers that JavaScript can represent
  const low = [minimum ?? exclusiveMinimum].find((bound) => bound !== Number.MIN_SAFE_INTEGER);
  const high = [maximum ?? exclusiveMaximum].find((bound) => bound !== Number.MAX_SAFE_INTEGER);
  const isAbove = minimum === undefined;
  const isBelow = maximum === undefined;
  if (low === undefined) return high === undefined ? '' : ` ${isBelow ? 'below' : 'up to'} ${high}`;
  if (high === undefined) return ` ${isAbove ? 'above' : 'of at least'} ${low}`;
  if (isAbove) return ` above ${low}${isBelow ? ' and below' : ', up to'} ${high}`;
  return ` from ${low} to ${isBelow ? 'below ' : ''}${high}`;
}

function objectOf({ properties, additionalProperties }: Schema): string {
  if (properties) return code(`{ ${Object.keys(properties).join(', ')} }`);
  return typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0
    ? `one value per name: ${valuesOf(additionalProperties)}`
    : 'anything, by name';
}

function listOf({ items, prefixItems, minItems, maxItems }: Schema): string {
  if (prefixItems) return `[${prefixItems.map(valuesOf).join(', ')}]`;
  const notes = [
    ...itemCount(minItems, maxItems),
    ...(typeof items === 'object' ? [`each item: ${valuesOf(items)}`] : []),
  ];
  return `list${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
}

function itemCount(least: number | undefined, most: number | undefined): string[] {
  if (most === undefined) return least === undefined ? [] : [`at least ${least} items`];
  if (least === undefined) return [`at most ${most} items`];
  return [least === most ? `${most} items` : `${least} to ${most} items`];
}

/** Returns the default value as a user would type it, or an empty text if there is no default. */
export const defaultOf = ({ default: value }: Schema): string =>
  value === undefined ? '' : code(typeof value === 'string' ? value : JSON.stringify(value));
