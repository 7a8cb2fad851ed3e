import { evaluateStored, readRun, type StoredRun } from '@cryfold/aggregator';
import { CryfoldError } from '@cryfold/core';
import { encodeWav, readClips, readDataset } from '@cryfold/corpus';
import { type ClipOutcome, clipOutcomes, type RunResults } from '@cryfold/evaluation';
import { featureKindOf } from '@cryfold/features/kinds';
import { cutOptions, plannedFeatures, type Spec } from '@cryfold/plan';
import type { FoldTime, HardClip, ReportInput } from '@cryfold/report';
import type { RunStore } from '@cryfold/store';

/** Number of clips whose spectrograms are shown. */
const HARDEST = 12;

/**
 * Reads from the store everything that the report of a run shows.
 * @param results results of the run; its fusions are recomputed from the stored probabilities
 * @param audio path of the recordings, so that the hardest clips can be played
 */
export async function gatherReport(store: RunStore, results: RunResults, audio?: string): Promise<ReportInput> {
  const stored = await readRun(store, results.run.id);
  const { probabilities } = evaluateStored(stored, fusionOf(results));
  const outcomes = clipOutcomes(stored.input, probabilities, stored.input.decisions);
  const { plan, folds } = stored;
  const curves: Record<string, ReturnType<typeof curvesOf>> = {};
  for (const trial of Object.keys(plan.spec.estimators)) curves[trial] = curvesOf(stored, trial);
  return {
    results,
    outcomes,
    hardest: await hardestClips(store, stored, outcomes, audio),
    curves,
    foldTimes: folds.flatMap(({ job, record }): FoldTime[] => {
      if (!record.started) return [];
      const { repeat, fold } = plan.splits[job.split];
      const { trial } = job;
      const host = record.environment.host ?? '';
      return [{ trial, repeat, fold, host, started: Date.parse(record.started), seconds: record.seconds }];
    }),
    hashes: { data: plan.dataset.key, features: plan.features.key },
  };
}

function fusionOf({ models }: RunResults): Spec['fusion'] {
  return Object.fromEntries(
    models.flatMap(({ name, kind, method, members, nested }) =>
      kind === 'fusion' && members
        ? [[name, { rule: method as Spec['fusion'][string]['rule'], members, ...(nested && { nested }) }]]
        : [],
    ),
  );
}

function curvesOf({ folds }: StoredRun, trial: string) {
  return folds.flatMap(({ job, record }) => (job.trial === trial && job.shuffle === undefined ? [record.curve] : []));
}

/**
 * Returns the clips that were misclassified most often. Ties are broken by the probability of the true class, lowest
 * first.
 */
async function hardestClips(
  store: RunStore,
  { plan, manifest }: StoredRun,
  outcomes: readonly ClipOutcome[],
  audio: string | undefined,
): Promise<HardClip[]> {
  const [features] = [...plannedFeatures(plan)].find(([, set]) => featureKindOf(set).produces === 'images') ?? [];
  // Clips are shown as the images that estimators take as input, so no clips are shown for features that are not
  // images.
  if (features === undefined) return [];
  const share = ({ wrong, predictions }: ClipOutcome) => wrong / predictions;
  const hardest = outcomes
    .filter(({ wrong }) => wrong > 0)
    .sort((a, b) => share(b) - share(a) || a.truth - b.truth)
    .slice(0, HARDEST);
  const { shape, data } = await store.datasets.images(features);
  const [, height, width] = shape;
  const size = height * width * 3;
  const row = new Map(manifest.clips.map(({ id }, i) => [id, i]));
  const sounds = audio === undefined ? undefined : await readSounds(audio, plan.spec, hardest);
  return hardest.map((outcome) => {
    const at = row.get(outcome.clip)! * size;
    const sound = sounds?.get(outcome.clip);
    return {
      outcome,
      image: { pixels: data.subarray(at, at + size), width, height },
      ...(sound ? { audio: sound } : {}),
    };
  });
}

/** Reads the clips as WAV files. @throws CryfoldError USAGE if these are not the recordings that the run used */
async function readSounds(audio: string, spec: Spec, clips: readonly ClipOutcome[]): Promise<Map<string, Uint8Array>> {
  const options = { ...cutOptions(spec), skipBad: true };
  const dataset = await readDataset(audio, options).catch((error) => {
    if (!(error instanceof CryfoldError) || error.code !== 'LAYOUT_UNCLEAR') throw error;
    // It doesn't matter which layout is used, because clips are found by their id, which is a path.
    return readDataset(audio, { ...options, layout: String(error.context.layouts).split(' ')[0] });
  });
  const wanted = new Set(clips.map(({ clip }) => clip));
  const own = dataset.clips.filter(({ id }) => wanted.has(id));
  if (own.length < wanted.size) {
    throw new CryfoldError(
      'USAGE',
      `--audio: ${audio} does not contain ${wanted.size - own.length} of the clips to show`,
      {
        context: { path: audio },
        hint: 'Specify the directory or manifest with which the run was started.',
      },
    );
  }
  const sounds = new Map<string, Uint8Array>();
  for await (const { clip, samples } of readClips({ root: dataset.root, clips: own })) {
    sounds.set(clip.id, encodeWav(samples, clip.rate));
  }
  return sounds;
}
