import { specJsonSchema } from '@cryfold/plan';
import { defaultOf, type Schema, valuesOf } from './json-schema.js';
import { cell, code, table } from './page.js';

const HEAD = `# Specs

Written by \`tools/spec-doc\` from the schema by which specs are checked; a test compares it with that. Editors complete
and check specs with [spec.schema.json](spec.schema.json): write
\`# yaml-language-server: $schema=PATH/docs/spec.schema.json\` into the first line. Worked examples are in [specs](../specs).

\`\`\`yaml
version: 1
name: birds
features: { kind: spectrogram, clipSeconds: 2 }
protocol: { splitter: StratifiedGroupKFold, folds: 5, repeats: 2 }
estimators:
  cnn: { kind: small-cnn, epochs: 20 }
  svm: { kind: svm, C: 100 }
fusion:
  both: { members: [cnn, svm] }
\`\`\`

Only \`version\`, \`name\` and \`estimators\` must be given. Names have lower-case letters, digits and dashes.
`;

type Row = [key: string, values: string, standard: string, meaning: string];

/** docs/spec.md: every key of a spec. */
export function specReference(): string {
  const { properties = {} } = specJsonSchema() as Schema;
  const { features, estimators, fusion, search, protocol, ...simple } = properties;
  const { space, ...searching } = search.properties ?? {};
  return [
    HEAD,
    section('## Top level', rowsOf({ properties: simple })),
    '`features`, `protocol`, `estimators`, `fusion` and `search` follow.\n',
    section('## protocol', rowsOf(protocol)),
    `## features\n\nSays ${cell(features.description ?? features.anyOf?.[0].description ?? '')}. What each kind computes:
[features.md](features.md), [external-vectors.md](external-vectors.md).\n`,
    ...kindSections(features.anyOf?.[0] ?? {}, [['every feature set', () => true]]),
    `## estimators\n\nBelow a name of your choice stands \`kind\` and its parameters. What each kind is: networks
[models.md](models.md), the others [classical.md](classical.md), your own programs [commands.md](commands.md).\n`,
    ...kindSections(estimators.additionalProperties as Schema, [
      ['every estimator', () => true],
      ['every network', (kind) => has(kind, 'epochs')],
      ['every network of images', (kind) => has(kind, 'augment', 'gain')],
      ['every network with a backbone', (kind) => has(kind, 'backbone')],
    ]),
    section('## fusion', rowsOf(fusion.additionalProperties as Schema), 'Below a name of your choice:'),
    section('## search', rowsOf({ properties: searching }), 'See [sweeps.md](sweeps.md).'),
    section(
      '### A searched parameter',
      parameterRows(space),
      '`search.space.ESTIMATOR.PARAMETER` has one of the first four keys. Estimators that are not named there are evaluated as\nthey are.',
    ),
  ].join('\n');
}

const has = ({ properties }: Schema, key: string, below?: string): boolean => {
  const found = properties?.[key];
  return found !== undefined && (below === undefined || has(found, below));
};

/** Descriptions of keys of a spec whose names do not explain themselves. */
export function unexplained(): string[] {
  const page = specReference();
  return [...page.matchAll(/^\| (`[^`]+`) \|.*\| {2}\|$/gm)].map(([, key]) => key);
}

function section(title: string, rows: readonly Row[], introduction?: string): string {
  const shown = table(['key', 'values', 'default', 'meaning'], rows as Row[]);
  return `${[title, ...(introduction ? [introduction] : []), shown].join('\n\n')}\n`;
}

/** The keys of an object, followed by those of nested objects, with a dot. */
function rowsOf({ properties = {} }: Schema, prefix = ''): Row[] {
  return Object.entries(properties)
    .filter(([key]) => key !== 'kind')
    .flatMap(([key, schema]): Row[] => {
      const path = prefix + key;
      const row: Row = [code(path), valuesOf(schema), defaultOf(schema), cell(schema.description ?? '')];
      return [row, ...[schema, ...(schema.anyOf ?? [])].flatMap((one) => rowsOf(one, `${path}.`))];
    });
}

/** A section per kind, after the rows that all kinds of a family share. */
function kindSections(union: Schema, families: [string, (kind: Schema) => boolean][]): string[] {
  const kinds = union.oneOf ?? union.anyOf ?? [];
  const shared = new Map<string, Set<string>>();
  const texts = families.map(([name, belongs]) => {
    const members = kinds.filter(belongs).map((kind) => rowsOf(kind).map((row) => row.join('\0')));
    const known = [...shared.values()].flatMap((rows) => [...rows]);
    const common = members[0].filter((row) => members.every((rows) => rows.includes(row)) && !known.includes(row));
    shared.set(name, new Set(common));
    return section(
      `### Keys of ${name}`,
      common.map((row) => row.split('\0') as Row),
    );
  });
  const sections = kinds.map((kind) => {
    const taken = families.flatMap(([name, belongs]) => (belongs(kind) ? [name] : []));
    const known = taken.flatMap((name) => [...(shared.get(name) ?? [])]);
    const own = rowsOf(kind).filter((row) => !known.includes(row.join('\0')));
    const also = `Takes the keys of ${taken.join(', ')}${own.length > 0 ? ', and:' : '.'}`;
    return section(`### ${kind.properties?.kind.const}`, own, also);
  });
  return [...texts, ...sections];
}

function parameterRows(space: Schema): Row[] {
  const byEstimator = space.additionalProperties as Schema;
  const either = (byEstimator.additionalProperties as Schema).anyOf ?? [];
  const rows = new Map(either.flatMap((one) => rowsOf(one)).map((row) => [row[0], row]));
  const last = ['`steps`', '`when`'];
  const named = (wanted: boolean) => [...rows.values()].filter(([key]) => last.includes(key) === wanted);
  return [...named(false), ...named(true)];
}
