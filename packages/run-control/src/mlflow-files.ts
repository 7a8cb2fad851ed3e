import { escapeControls, printable, sha256 } from '@cryfold/core';

/** An MLflow run; times in milliseconds since 1970. */
export interface MlflowRun {
  /** Identifies the run within its experiment; the run id is derived from both */
  key: string;
  name: string;
  start: number;
  end: number;
  status: keyof typeof STATUS;
  params: Record<string, unknown>;
  tags: Record<string, string>;
  /** Values of each metric by step; a single number is logged at step 0. */
  metrics: Record<string, number | readonly { step: number; value: number }[]>;
}

const STATUS = { finished: 3, failed: 4, killed: 5 } as const;

/** A run id of 32 hex digits, as in MLflow. It is deterministic, so that exporting a run again overwrites it. */
export function runId(experiment: string, key: string): string {
  return sha256(`${experiment}\u0000${key}`).slice(0, 32);
}

/** A numeric experiment id, as in MLflow. */
export function experimentId(name: string): string {
  return String(BigInt(`0x${sha256(name).slice(0, 15)}`) + 10n ** 17n).slice(0, 18);
}

/** Maximum length of a name in bytes. File systems allow 255. */
const LONGEST_NAME = 250;

/**
 * Names of metrics and parameters become file names, in which MLflow allows letters, digits, `_`, `-`, `.` and spaces.
 * Other names get a hash as a suffix, so that they stay distinct and are the same in all runs.
 */
export function safeName(name: string): string {
  const safe = [...name.replace(/[^\p{L}\p{N}_. -]/gu, '_')];
  const changed = safe.join('') !== name || Buffer.byteLength(name) > LONGEST_NAME;
  const suffix = changed ? `-${sha256(name).slice(0, 8)}` : '';
  // File systems count bytes.
  while (Buffer.byteLength(safe.join('')) + suffix.length > LONGEST_NAME) safe.pop();
  return `${safe.join('')}${suffix}`;
}

/** Encodes values as JSON, which YAML allows. */
export function yaml(members: Record<string, unknown>): string {
  return Object.entries(members)
    .map(([key, value]) => `${key}: ${escapeControls(JSON.stringify(value))}\n`)
    .join('');
}

export function experimentFiles(root: string, name: string, time: number): Map<string, string> {
  const id = experimentId(name);
  const meta = yaml({
    artifact_location: `${root}/${id}`,
    creation_time: time,
    experiment_id: id,
    last_update_time: time,
    lifecycle_stage: 'active',
    name,
  });
  return new Map([[`${id}/meta.yaml`, meta]]);
}

/**
 * The files of one run, by path within the tracking folder. The layout follows MLflow 3's FileStore
 * (mlflow/store/tracking/file_store.py). A path that ends in a slash is an empty folder, which MLflow 3 requires.
 * @param root the tracking folder as a file: URL without a trailing slash
 */
export function runFiles(root: string, experiment: string, run: MlflowRun): Map<string, string> {
  const id = experimentId(experiment);
  const folder = `${id}/${runId(experiment, run.key)}`;
  const files = new Map<string, string>();
  files.set(
    `${folder}/meta.yaml`,
    yaml({
      artifact_uri: `${root}/${folder}/artifacts`,
      end_time: run.end,
      entry_point_name: '',
      experiment_id: id,
      lifecycle_stage: 'active',
      run_id: runId(experiment, run.key),
      run_name: run.name,
      source_name: 'cryfold',
      source_type: 4,
      source_version: '',
      start_time: run.start,
      status: STATUS[run.status],
      tags: [],
      user_id: 'cryfold',
    }),
  );
  for (const part of ['artifacts', 'metrics', 'params']) files.set(`${folder}/${part}/`, '');
  for (const [name, value] of Object.entries({ 'mlflow.runName': run.name, ...run.tags })) {
    files.set(`${folder}/tags/${safeName(name)}`, value);
  }
  for (const [name, value] of Object.entries(run.params)) {
    if (value === undefined) continue;
    // MLflow cannot read a run with multi-line parameters.
    const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
    files.set(`${folder}/params/${safeName(name)}`, text);
  }
  for (const [name, value] of Object.entries(run.metrics)) {
    const points = typeof value === 'number' ? [{ step: 0, value }] : value;
    const lines = points.map((point) => `${run.end} ${point.value} ${point.step}\n`);
    files.set(`${folder}/metrics/${safeName(name)}`, lines.join(''));
  }
  return files;
}

export interface MlflowModelVersion {
  version: number;
  created: number;
  runId: string;
  /** URL of the folder that contains its files */
  source: string;
  description: string;
  tags: Record<string, string>;
}

/** The files of a registered model with its versions and aliases. */
export function modelFiles(
  name: string,
  versions: readonly MlflowModelVersion[],
  aliases: Record<string, number>,
): Map<string, string> {
  const files = new Map<string, string>();
  const times = versions.map(({ created }) => created);
  files.set(
    `models/${name}/meta.yaml`,
    yaml({
      aliases: Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [alias, String(version)])),
      creation_timestamp: Math.min(...times),
      description: null,
      last_updated_timestamp: Math.max(...times),
      name,
    }),
  );
  for (const [alias, version] of Object.entries(aliases)) files.set(`models/${name}/aliases/${alias}`, String(version));
  for (const { version, created, runId: run, source, description, tags } of versions) {
    const folder = `models/${name}/version-${version}`;
    files.set(
      `${folder}/meta.yaml`,
      yaml({
        creation_timestamp: created,
        current_stage: 'None',
        description,
        last_updated_timestamp: created,
        name,
        run_id: run,
        run_link: null,
        source,
        status: 'READY',
        status_message: null,
        storage_location: source,
        user_id: 'cryfold',
        version,
      }),
    );
    for (const [tag, value] of Object.entries(tags)) files.set(`${folder}/tags/${safeName(tag)}`, value);
  }
  return files;
}
