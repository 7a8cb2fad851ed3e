import { caveatOf } from '@cryfold/estimators';
import { groupsKnown, groupsText, groupWord, unknownGroupsNote } from '@cryfold/evaluation';
import { featureKindOf } from '@cryfold/features/kinds';
import type { CardMetrics, ModelCard } from './card.js';

export const NOTICE =
  'A research tool, not a medical device. Do not use its output to diagnose, or to decide for or against care.';

export const INTENDED_USE =
  'To study how recordings like those it was trained on are classified, by people who can judge its errors.';

/** What a user must know before trusting a probability. */
export function limitsOf({
  data,
  metrics,
  features,
  search,
}: Pick<ModelCard, 'data' | 'metrics' | 'features' | 'search'>): string[] {
  const grouped = metrics.find((one) => one.grouped);
  const known = groupsKnown(data);
  const word = known ? groupWord(data) : 'source';
  const rates = data.rates?.map(({ rate }) => `${rate} Hz`).join(', ');
  return [
    NOTICE,
    `It always answers with one of its ${data.classes.length} classes, also for sounds that are none of them.`,
    `It was trained on ${data.clips} clips${known ? ` of ${data.groups} ${word}s` : ''}: other ${word}s, microphones and rooms may differ.`,
    `It expects clips of ${features.clipSeconds} s${rates ? ` at ${rates}` : ''}.`,
    generalisation(data, grouped !== undefined),
    ...(search && !search.nested
      ? ['Its parameters were chosen by the very folds that the figures are of, so the figures are too good.']
      : []),
    'The figures are of models trained on a part of the data; this one was trained on all of it and has no test data left.',
  ];
}

/** What the figures say of sources that are not in the data. */
function generalisation(data: ModelCard['data'], grouped: boolean): string {
  const word = groupWord(data);
  const unknown = unknownGroupsNote(data);
  if (unknown) return `${unknown} The figures may be too good for new sources.`;
  return grouped
    ? `The figures of folds grouped by ${word} are those to expect of new ${word}s.`
    : `It was not evaluated on folds grouped by ${word}: the figures may be too good for new ${word}s.`;
}

const percent = (value: number | null) => (value === null ? 'none' : `${(100 * value).toFixed(2)} %`);

/**
 * A name from the data or the spec in Markdown, in a table cell too: shown as it is, never read as markup or HTML.
 * Control characters, line breaks among them, become U+FFFD.
 */
function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .replace(/[\\`*{}[\]<>#|!~&]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&');
}

type Made = Pick<ModelCard, 'spec' | 'search'>;

/** What a reader must know of an estimator of a card's spec, such as that its weights are random. */
function caveatIn({ spec, search }: Made, name: string): string | undefined {
  const { estimators = {} } = spec as { estimators?: Record<string, object> };
  if (!Object.hasOwn(estimators, name)) return undefined;
  const chosen = search?.winners.find(({ member }) => member === name)?.parameters;
  return caveatOf({ ...estimators[name], ...chosen });
}

/** What was refitted, with what a reader must know beside its figures: `tl-resnet50 (random weights)`. */
export function refitted(card: Made & Pick<ModelCard, 'of'>): string {
  const caveat = caveatIn(card, card.of);
  return caveat === undefined ? card.of : `${card.of} (${caveat})`;
}

/** The card for people, in Markdown. */
export function cardText(card: ModelCard): string {
  const { data, features } = card;
  return `# ${card.name} ${card.version}

**${plain(card.notice)}**

Intended use: ${plain(card.intendedUse)}

## Model
- ${plain(refitted(card))} of run ${plain(card.run)}, refitted on all data, ${card.created}
- members: ${card.members.map(({ name, kind }) => `${plain(name)} (${[kind, caveatIn(card, name) ?? []].flat().join(', ')})`).join(', ')}${card.fusion ? `; fused by ${card.fusion.rule}` : ''}
- input: ${[...new Set([features, ...card.members.flatMap((member) => member.features ?? [])].map((set) => featureKindOf(set).describe(set)))].join('; ')}; the class is the largest ${card.predictedBy === 'decisions' ? 'decision value' : 'probability'}

## Data
${plain(data.name)}, content hash \`${data.contentHash}\`: ${data.clips} clips; groups: ${plain(groupsText(data))}${data.rates ? `, ${data.rates.map(({ rate, clips }) => `${rate} Hz (${clips} clips)`).join(', ')}` : ''}

| class | clips | groups |
|---|---|---|
${data.classes.map(({ label, clips, groups }) => `| ${plain(label)} | ${clips} | ${groups} |`).join('\n')}

## Cross-validation of this configuration
${card.metrics.map((one) => metricsText(one, groupsKnown(data) ? 'groups' : 'recordings')).join('\n\n')}

${card.search ? searchText(card.search) : ''}## Limits
${card.limits.map((limit) => `- ${plain(limit)}`).join('\n')}

## Files
${card.files.map(({ path, sha256 }) => `- \`${path}\` sha256 ${sha256}`).join('\n')}

Made by cryfold ${plain(card.cryfold.version)}, fold format ${card.cryfold.foldFormat}.
`;
}

const FIGURES = { accuracy: 'accuracy', balancedAccuracy: 'balanced accuracy', macroF1: 'macro F1' } as const;

/** Means over folds and pooled figures stand in tables of their own: they are different numbers. */
function metricsText(metrics: CardMetrics, units: string): string {
  const { intervals, pooled } = metrics;
  const names = Object.entries(FIGURES) as [keyof typeof FIGURES, string][];
  const overFolds = names.map(([key, name]) => {
    const { mean, standardDeviation, minimum, maximum } = metrics[key];
    return `| ${name} | ${percent(mean)} | ${percent(standardDeviation)} | ${percent(minimum)} to ${percent(maximum)} |`;
  });
  const whole = names.map(([key, name]) => {
    const interval = intervals?.[key];
    const range = interval ? `${percent(interval.low)} to ${percent(interval.high)}` : 'none';
    return `| ${name} | ${pooled ? percent(pooled[key]) : 'not recorded'} | ${range} |`;
  });
  return `### ${plain(metrics.protocol)}
Run ${plain(metrics.run)}; the largest class's share is ${percent(metrics.majorityShare)}.

| over test folds | mean | standard deviation | range |
|---|---|---|---|
${overFolds.join('\n')}

| pooled over all test predictions | value | 95 % interval (over ${units}) |
|---|---|---|
${whole.join('\n')}

| class (pooled) | recall | precision |
|---|---|---|
${metrics.perClass.map(({ label, recall, precision }) => `| ${plain(label)} | ${percent(recall)} | ${percent(precision)} |`).join('\n')}`;
}

function searchText({ algorithm, metric, nested, winners }: NonNullable<ModelCard['search']>): string {
  const lines = winners.map(({ member, trial, parameters, among, plain: mean, pooled, corrected }) => {
    const chosen = Object.entries(parameters).map(([name, value]) => plain(`${name} ${JSON.stringify(value)}`));
    const range = corrected && `${corrected.low.toFixed(4)} to ${corrected.high.toFixed(4)}`;
    // Both pooled over clips; an older card has no figure that the corrected one may be compared with.
    const honest =
      corrected && pooled !== undefined
        ? `; pooled over clips ${pooled?.toFixed(4) ?? 'none'}, corrected for the choice ${corrected.mean.toFixed(4)} (${range})`
        : '';
    return `- ${plain(member)}: ${plain(trial ?? 'none')} of ${among} complete trials, ${chosen.join(', ')}; mean ${metric} over folds ${mean?.toFixed(4) ?? 'none'}${honest}`;
  });
  return `## Choice of parameters
${algorithm} search by ${metric}; ${nested ? 'the figures above are of nested cross-validation.' : '**the figures above are of the winner on the folds that it was chosen by: too good.**'}

${lines.join('\n')}

`;
}
