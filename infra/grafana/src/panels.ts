import {
  type FieldTextAlignment,
  type TableColoredBackgroundCellOptions,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  type DataTransformerConfig,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import * as trend from '@grafana/grafana-foundation-sdk/trend';

/** Each dashboard takes its data source from a variable, because the source's name differs between Grafana servers. */
const SOURCE = { type: 'prometheus', uid: '$datasource' };

/** Size and format of a panel. Grafana's grid has 24 columns. */
export interface Place {
  wide?: number;
  high?: number;
  unit?: string;
  max?: number;
  help?: string;
}

/** A Prometheus expression, and the legend of the series that it returns. */
export type Query = readonly [expression: string, legend: string];

const ranged = ([expression, legend]: Query) =>
  new DataqueryBuilder().datasource(SOURCE).expr(expression).legendFormat(legend).range();
const now = (expression: string) =>
  new DataqueryBuilder().datasource(SOURCE).expr(expression).instant().format(PromQueryFormat.Table);

const letters = 'ABCDEF';

/** Creates a panel that plots lines over time. */
export function lines(title: string, queries: readonly Query[], place: Place = {}): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .title(title)
    .datasource(SOURCE)
    .span(place.wide ?? 12)
    .height(place.high ?? 8)
    .min(0)
    .lineWidth(2)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never);
  if (place.unit) panel.unit(place.unit);
  if (place.max !== undefined) panel.max(place.max);
  if (place.help) panel.description(place.help);
  for (const [i, query] of queries.entries()) panel.withTarget(ranged(query).refId(letters[i]));
  return panel;
}

/** Creates a panel that shows the last value in large type. */
export function figure(title: string, query: Query, place: Place = {}): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .title(title)
    .datasource(SOURCE)
    .span(place.wide ?? 4)
    .height(place.high ?? 4)
    .withTarget(ranged(query).refId('A'));
  if (place.unit) panel.unit(place.unit);
  if (place.help) panel.description(place.help);
  return panel;
}

/** Creates a table in which each row has labels and values. */
export function rows(
  title: string,
  expression: string,
  hidden: readonly string[],
  place: Place = {},
): table.PanelBuilder {
  const excludeByName = Object.fromEntries(
    ['Time', '__name__', 'job', 'instance', ...hidden].map((name) => [name, true]),
  );
  const panel = new table.PanelBuilder()
    .title(title)
    .datasource(SOURCE)
    .span(place.wide ?? 12)
    .height(place.high ?? 8)
    .withTarget(now(expression).refId('A'))
    .withTransformation({ id: 'organize', options: { excludeByName } });
  if (place.unit) panel.overrideByName('Value', [{ id: 'unit', value: place.unit }]);
  if (place.help) panel.description(place.help);
  return panel;
}

const coloured: TableColoredBackgroundCellOptions = {
  type: 'color-background',
  mode: 'basic',
} as TableColoredBackgroundCellOptions;

function matrix(title: string, expression: string, row: string, column: string, place: Place): table.PanelBuilder {
  const panel = new table.PanelBuilder()
    .title(title)
    .datasource(SOURCE)
    .span(place.wide ?? 8)
    .height(place.high ?? 12)
    .withTarget(now(expression).refId('A'))
    .withTransformation({
      id: 'groupingToMatrix',
      options: { columnField: column, rowField: row, valueField: 'Value' },
    })
    .cellOptions(coloured)
    .align('center' as FieldTextAlignment)
    .overrideByName(`${row}\\${column}`, [{ id: 'custom.cellOptions', value: { type: 'auto' } }]);
  if (place.unit) panel.unit(place.unit);
  if (place.help) panel.description(place.help);
  return panel;
}

/** Creates a table with one row per estimator and repeat, and one column per fold, coloured by value. */
export function foldGrid(
  title: string,
  metric: string,
  place: Place & { scheme: FieldColorModeId },
): table.PanelBuilder {
  return matrix(title, byFold(metric), 'row', 'fold', place).colorScheme(new FieldColorBuilder().mode(place.scheme));
}

/** Like `foldGrid`, but shows the state of each fold in words. */
export function stateGrid(title: string, metric: string): table.PanelBuilder {
  const words = { waiting: 'dark-grey', active: 'blue', done: 'green', failed: 'red' };
  const options = Object.fromEntries(
    Object.entries(words).map(([text, color], value) => [String(value), { text, color, index: value }]),
  );
  return matrix(title, byFold(metric), 'row', 'fold', {})
    .mappings([{ type: MappingType.ValueToText, options }])
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: 'transparent' }]),
    );
}

const byFold = (metric: string) =>
  `label_join(max by (estimator, repeat, fold) (${metric}{run="$run"}), "row", " ", "estimator", "repeat")`;

/**
 * Creates a panel that plots learning curves: epochs on the x axis, and one line per estimator and part of the data.
 */
export function curve(title: string, metric: string, place: Place = {}): trend.PanelBuilder {
  const transformations: DataTransformerConfig[] = [
    { id: 'groupingToMatrix', options: { columnField: 'line', rowField: 'epoch', valueField: 'Value' } },
    { id: 'convertFieldType', options: { conversions: [{ targetField: 'epoch\\line', destinationType: 'number' }] } },
    { id: 'sortBy', options: { sort: [{ field: 'epoch\\line' }] } },
  ];
  const panel = new trend.PanelBuilder()
    .title(title)
    .datasource(SOURCE)
    .span(place.wide ?? 12)
    .height(place.high ?? 8)
    .xField('epoch\\line')
    .withTarget(
      now(
        `label_join(max by (estimator, part, epoch) (${metric}{run="$run"}), "line", " ", "estimator", "part")`,
      ).refId('A'),
    )
    .transformations(transformations);
  if (place.unit) panel.unit(place.unit);
  if (place.help) panel.description(place.help);
  return panel;
}

/** Creates a dashboard that is refreshed every 15 s. `choose` adds a selector for one value of a label. */
export function board(name: string, choose?: { label: string; of: string }): DashboardBuilder {
  const builder = new DashboardBuilder(`cryfold: ${name}`)
    .uid(`cryfold-${name.toLowerCase()}`)
    .tags(['cryfold'])
    .editable()
    .refresh('15s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  if (choose) {
    const query = `label_values(${choose.of}, ${choose.label})`;
    builder.withVariable(
      new QueryVariableBuilder(choose.label)
        .label(choose.label)
        .datasource(SOURCE)
        .query({ query, refId: 'A' })
        .definition(query)
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc),
    );
  }
  return builder;
}

export const SCALES = { good: FieldColorModeId.ContinuousRdYlGr, long: FieldColorModeId.ContinuousBlYlRd } as const;
