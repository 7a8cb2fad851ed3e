import { counted } from '@cryfold/core';
import { caveatOf, withSearched } from '@cryfold/estimators';
import {
  groupsKnown,
  groupsText,
  METRIC_NAMES,
  METRICS,
  type MetricName,
  unitWord,
  unknownGroupsNote,
} from '@cryfold/evaluation';
import { featureKindOf } from '@cryfold/features/kinds';
import type { CardMetrics, ModelCard } from './card.js';
import { headlineOf, headlineText } from './card-headline.js';
import type { LikenessRule } from './likeness.js';

export const NOTICE =
  'A research tool, not a medical device. Do not use its output to diagnose, or to decide for or against care.';

export const INTENDED_USE =
  'To study how recordings like those in its training data are classified, by people who can judge its errors.';

/**
 * Returns a sentence on what the figures say about new groups. Folds say something about new groups only if the groups
 * are known, are kept together, and do not leak.
 */
function newGroupsLimit(data: ModelCard['data'], metrics: readonly CardMetrics[]): string {
  const unknown = unknownGroupsNote(data);
  if (unknown) return `${unknown} The figures may be too optimistic for new sources.`;
  const alone = data.groups === data.clips;
  const whole = metrics.filter(({ grouped }) => grouped || alone);
  if (whole.length === 0)
    return 'The model was not evaluated on folds that keep groups together, so the figures may be too optimistic for new groups.';
  const doubt = doubtOf(data, whole);
  if (doubt) return `Folds kept groups together, but ${doubt}: the figures may be too optimistic for new groups.`;
  return alone
    ? 'Every clip is its own group: expect the figures of these folds for new groups that are recorded in the same way.'
    : 'For new groups that are recorded in the same way, expect the figures of grouped folds, not those of ungrouped ones.';
}

/**
 * Returns the reason why the folds say little about new groups although they keep groups together. Returns undefined if
 * at least one protocol does not have this problem.
 */
function doubtOf({ groupSource }: ModelCard['data'], whole: readonly CardMetrics[]): string | undefined {
  if (groupSource?.partial) return 'some recordings have no group, so each of them counts as its own group';
  const leaky = whole.map(({ leaks }) => leaks && leaks.sounds + leaks.groups > 0);
  if (leaky.every((one) => one === true)) return 'the same sounds are in train and test';
  if (leaky.every((one) => one !== false)) return 'equal sounds under different names were not searched for';
  return undefined;
}

function otherSoundsLimit(classes: number, likeness?: LikenessRule): string {
  if (!likeness) return `The model always answers with one of its ${classes} classes, even for unrelated sounds.`;
  const { falseRejects, clips } = likeness;
  return `The model rejects sounds that are unlike its training data, judging only by level and change in frequency bands: ${(100 * falseRejects).toFixed(1)} % of ${clips} training clips, held out by group, were rejected. Unrelated sounds that are not rejected get one of its ${classes} classes.`;
}

/** Returns what a user must know before relying on a probability. */
export function limitsOf({
  data,
  metrics,
  features,
  search,
  likeness,
}: Pick<ModelCard, 'data' | 'metrics' | 'features' | 'search'> & { likeness?: LikenessRule | undefined }): string[] {
  const known = groupsKnown(data);
  const rates = data.rates?.map(({ rate }) => `${rate} Hz`).join(', ');
  return [
    NOTICE,
    otherSoundsLimit(data.classes.length, likeness),
    `The model was trained on ${counted(data.clips, 'clip')}${known ? ` of ${counted(data.groups, 'group')}` : ''}: other ${known ? 'groups' : 'sources'}, microphones and rooms may differ.`,
    `The model expects clips of ${features.clipSeconds} s${rates ? ` at ${rates}` : ''}.`,
    newGroupsLimit(data, metrics),
    ...(search && !search.nested && search.winners.some(({ begun = 2 }) => begun > 1)
      ? ['The parameters were chosen on the folds from which the figures come, so the figures are too optimistic.']
      : []),
    'The figures belong to models trained on parts of the data; this model was trained on all data, which leaves no test data.',
  ];
}

const percent = (value: number | null) => (value === null ? 'none' : `${(100 * value).toFixed(2)} %`);

function figure(metric: MetricName, value: number | null): string {
  if (METRICS[metric].share || value === null) return percent(value);
  return value.toFixed(4);
}

/**
 * Escapes a name from the data or spec for Markdown, including table cells, so that it is shown literally and never
 * interpreted as markup or HTML. Control characters, including line breaks, become U+FFFD.
 */
function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .replace(/[\\`*{}[\]<>#|!~&]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&');
}

type Made = Pick<ModelCard, 'spec' | 'search'>;

/** Returns a caveat about an estimator in a card's spec, for example that its weights are random. */
function caveatIn({ spec, search }: Made, name: string): string | undefined {
  const { estimators = {} } = spec as { estimators?: Record<string, object> };
  if (!Object.hasOwn(estimators, name)) return undefined;
  const chosen = search?.winners.find(({ member }) => member === name)?.parameters;
  return caveatOf(withSearched(estimators[name], chosen ?? {}));
}

/** Returns the name of the refitted model with its caveat: `tl-resnet50 (random weights)`. */
export function refitted(card: Made & Pick<ModelCard, 'of'>): string {
  const caveat = caveatIn(card, card.of);
  return caveat === undefined ? card.of : `${card.of} (${caveat})`;
}

/** Formats the card as Markdown for people. */
export function cardText(card: ModelCard): string {
  const { data, features } = card;
  return `# ${card.name} ${card.version}

**${plain(card.notice)}**

Intended use: ${plain(card.intendedUse)}

## Model
- ${plain(refitted(card))} of run ${plain(card.run)}, refitted on all data, ${card.created}
- members: ${card.members.map(({ name, kind }) => `${plain(name)} (${[kind, caveatIn(card, name) ?? []].flat().join(', ')})`).join(', ')}${card.fusion ? `; fused by ${card.fusion.rule}` : ''}
- input: ${[...new Set([features, ...card.members.flatMap((member) => [member.features ?? [], member.vectors ?? []].flat())].map((set) => featureKindOf(set).describe(set)))].join('; ')}; the class is the largest ${card.predictedBy === 'decisions' ? 'decision value' : 'probability'}

## Data
${plain(data.name)}, content hash \`${data.contentHash}\`: ${counted(data.clips, 'clip')}; groups: ${plain(groupsText(data))}${data.rates ? `, ${data.rates.map(({ rate, clips }) => `${rate} Hz (${counted(clips, 'clip')})`).join(', ')}` : ''}

| class | clips | groups |
|---|---|---|
${data.classes.map(({ label, clips, groups }) => `| ${plain(label)} | ${clips} | ${groups} |`).join('\n')}

## Cross-validation of this configuration
${card.metrics.map((one) => metricsText(one, `${unitWord(data)}s`)).join('\n\n')}

${card.search ? searchText(card.search) : ''}## Limits
${card.limits.map((limit) => `- ${plain(limit)}`).join('\n')}

## Files
${card.files.map(({ path, sha256 }) => `- \`${path}\` sha256 ${sha256}`).join('\n')}

Made by cryfold ${plain(card.cryfold.version)}, fold format ${card.cryfold.foldFormat}.
`;
}

/** Means over folds and pooled figures are in separate tables, because they cannot be compared. */
function metricsText(metrics: CardMetrics, units: string): string {
  const { intervals, pooled } = metrics;
  const overFolds = METRIC_NAMES.map((key) => {
    const { mean, standardDeviation, minimum, maximum } = metrics[key];
    const text = (value: number | null) => figure(key, value);
    return `| ${METRICS[key].title} | ${text(mean)} | ${text(standardDeviation)} | ${text(minimum)} to ${text(maximum)} |`;
  });
  const whole = METRIC_NAMES.map((key) => {
    const interval = key === 'logLoss' ? null : intervals?.[key];
    const range = interval ? `${percent(interval.low)} to ${percent(interval.high)}` : 'none';
    return `| ${METRICS[key].title} | ${pooled ? figure(key, pooled[key]) : 'not recorded'} | ${range} |`;
  });
  const warnings = (metrics.warnings ?? []).map((warning) => `**${plain(warning)}**\n\n`).join('');
  return `### ${plain(metrics.protocol)}
${warnings}Run ${plain(metrics.run)}. **Headline: mean ${headlineText(headlineOf(metrics))} over test folds.** The largest class's share is ${percent(metrics.majorityShare)}.

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

type Search = NonNullable<ModelCard['search']>;

function searchText({ algorithm, metric, nested, winners }: Search): string {
  const lines = winners.map((winner) => {
    const { member, trial, parameters, plain: mean } = winner;
    const chosen = Object.entries(parameters).map(([name, value]) => plain(`${name} ${JSON.stringify(value)}`));
    return `- ${plain(member)}: ${plain(trial ?? 'none')}, ${chosen.join(', ')}; ${amongText(winner)} by its mean ${titleOf(metric)} over folds of ${searched(metric, mean)}; ${correctionText(metric, winner)}`;
  });
  return `## Choice of parameters
${algorithm} search by ${titleOf(metric)}; ${nested ? 'the figures above are from nested cross-validation.' : '**the figures above are from the folds on which the winner was chosen, so they are too optimistic.**'}

${lines.join('\n')}

`;
}

/**
 * Describes the number of started trials, on which the correction for the selection is based. Older cards contain only
 * the number of completed trials.
 */
function amongText({ among, begun }: Search['winners'][number]): string {
  if (begun === undefined) return `chosen among trials of which ${among} were completed,`;
  return `chosen among ${begun} trials${among < begun ? ` (${among} of them complete)` : ''}`;
}

/**
 * Both figures are pooled over clips. Older cards do not contain a figure that is comparable with the corrected one.
 */
function correctionText(metric: string, { pooled, corrected }: Search['winners'][number]): string {
  if (pooled === undefined) return 'an earlier version of cryfold stored no comparable figure';
  if (pooled === null || !corrected) return 'no correction for the choice is valid';
  const [value, mean, low, high] = [pooled, corrected.mean, corrected.low, corrected.high].map((one) =>
    searched(metric, one),
  );
  return `pooled over all test clips it is ${value}, corrected for the choice ${mean} (95 % of bootstrap samples: ${low} to ${high})`;
}

const metricNamed = (metric: string) => METRIC_NAMES.find((name) => name === metric);

function titleOf(metric: string): string {
  const name = metricNamed(metric);
  return name ? METRICS[name].title : plain(metric);
}

function searched(metric: string, value: number | null): string {
  const name = metricNamed(metric);
  return name ? figure(name, value) : (value?.toFixed(4) ?? 'none');
}
