import { specJsonSchema } from '@cryfold/plan';
import { defaultOf, type Schema, valuesOf } from './json-schema.js';
import { cell, code, table } from './page.js';

const HEAD = `# Specs

\`tools/spec-doc\` generates this page from the schema that validates specs, and a test checks that it is up to date.
Editors can complete and check a spec with [spec.schema.json](spec.schema.json) if the first line of the spec is
\`# yaml-language-server: $schema=PATH/docs/spec.schema.json\`. Complete examples are in [specs](../specs).

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

Only \`version\`, \`name\` and \`estimators\` are required. Names consist of lower-case letters, digits and dashes.
`;

/** Joins names as in: a, b and c. */
const LIST = new Intl.ListFormat('en-GB');

type Row = [key: string, values: string, standard: string, meaning: string];

/** docs/spec.md: every key of a spec. */
export function specReference(): string {
  const { properties = {} } = specJsonSchema() as Schema;
  const { features, estimators, fusion, search, protocol, ...simple } = properties;
  const { space, ...searching } = search.properties ?? {};
  return [
    HEAD,
    section('## Top level', rowsOf({ properties: simple })),
    '`features`, `protocol`, `estimators`, `fusion` and `search` are described below.\n',
    section('## protocol', rowsOf(protocol)),
    `## features\n\nDefines ${cell(features.description ?? features.anyOf?.[0].description ?? '')}.
[features.md](features.md) and [external-vectors.md](external-vectors.md) explain what each kind computes.\n`,
    ...kindSections(features.anyOf?.[0] ?? {}, [['every feature set', () => true]]),
    `## estimators\n\nChoose a name for each estimator. Under this name, set the \`kind\` and its parameters. See
[models.md](models.md) for networks, [commands.md](commands.md) for your own programs, and
[classical.md](classical.md) for all other kinds.\n`,
    ...kindSections(estimators.additionalProperties as Schema, [
      ['every estimator', () => true],
      ['every network', (kind) => has(kind, 'epochs')],
      ['every image network', (kind) => has(kind, 'augment', 'gain')],
      ['every network with a backbone', (kind) => has(kind, 'backbone')],
    ]),
    section(
      '## fusion',
      rowsOf(fusion.additionalProperties as Schema),
      'Choose a name for each fusion. Under this name, set these keys:',
    ),
    section('## search', rowsOf({ properties: searching }), 'See [sweeps.md](sweeps.md).'),
    section(
      '### A searched parameter',
      parameterRows(space),
      `\`search.space.ESTIMATOR.PARAMETER\` has exactly one of the first four keys in the table below.
Estimators without searched parameters are evaluated unchanged.`,
    ),
  ].join('\n');
}

const has = ({ properties }: Schema, key: string, below?: string): boolean => {
  const found = properties?.[key];
  return found !== undefined && (below === undefined || has(found, below));
};

/** Returns the keys of a spec that have no description. */
export function unexplained(): string[] {
  const page = specReference();
  return [...page.matchAll(/^\| (`[^`]+`) \|.*\| {2}\|$/gm)].map(([, key]) => key);
}

function section(title: string, rows: readonly Row[], introduction?: string): string {
  const shown = table(['key', 'values', 'default', 'meaning'], rows as Row[]);
  return `${[title, ...(introduction ? [introduction] : []), shown].join('\n\n')}\n`;
}

/** The keys of an object, each followed by those of its nested objects in dot notation. */
function rowsOf({ properties = {} }: Schema, prefix = ''): Row[] {
  return Object.entries(properties)
    .filter(([key]) => key !== 'kind')
    .flatMap(([key, schema]): Row[] => {
      const path = prefix + key;
      const row: Row = [code(path), valuesOf(schema), defaultOf(schema), cell(schema.description ?? '')];
      return [row, ...[schema, ...(schema.anyOf ?? [])].flatMap((one) => rowsOf(one, `${path}.`))];
    });
}

/** Returns one section per kind, after sections with the rows that all kinds of a family share. */
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
    const common = LIST.format(taken);
    const also =
      own.length > 0
        ? `Accepts the following keys in addition to those of ${common}:`
        : `Accepts the keys of ${common}.`;
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
