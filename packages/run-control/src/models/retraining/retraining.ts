import { CryfoldError, counted } from '@cryfold/core';
import type { Dataset } from '@cryfold/corpus';
import type { MetricName, RunResults } from '@cryfold/evaluation';
import {
  checkModelAllowed,
  type LoadOptions,
  type ModelCard,
  ModelRegistry,
  modelOf,
  type RetrainRecord,
} from '@cryfold/model-registry';
import type { DatasetManifest, RunPlan } from '@cryfold/plan';
import type { RunStore } from '@cryfold/store';
import { checkClipLength, planChampion } from '../champion-plan.js';
import { configurationOf } from '../final-model.js';
import type { ModelControl } from '../model-control.js';
import { type ChampionSounds, championSounds, uncomparedNote } from './champion-sounds.js';
import { type Contest, type ContestData, chooseContest, type Opponent } from './contest.js';
import { missingFolds } from './missing-folds.js';
import { classShares, outOfFold, storedPredictions } from './predictions.js';
import { type TrainingOverlap, trainingOverlap } from './training-overlap.js';
import { judge, type Predictions, type RetrainVerdict } from './verdict.js';

/** Content of the `--json` output and of `models/<name>/last-retrain.json`. */
export type RetrainReport = RetrainRecord & {
  /** Why the challenger was refused: not comparable, not better, or a lower recall of some class */
  code: 'MODEL_INCOMPARABLE' | NonNullable<RetrainVerdict['code']> | null;
  evidence: {
    data: {
      contentHash: string;
      clips: number;
      /** Number of the champion's training clips that the new data contains under the same label */
      known: number;
      /** `known` as a share of all clips that the champion was trained on; null without a champion */
      share: number | null;
      /**
       * Number of the champion's clips whose audio is not available, so that copies of them could not be searched for;
       * null without a champion
       */
      uncompared: number | null;
    };
    challenger: { run: string; of: string };
    champion: { version: string; run: string; of: string } | null;
    margin: number;
    metric: MetricName;
    /** What the challenger was compared with; null if there was no comparison */
    opponent: Opponent | null;
  } & Partial<Pick<RetrainVerdict, 'test' | 'recall'>>;
};

export interface Challenge {
  /** Model to retrain */
  model: string;
  /** Estimator or fusion of the new run that challenges the champion */
  of: string;
  /** By how much the recall of a class may drop, 0 to 1 */
  margin: number;
  /** Metric that decides */
  metric: MetricName;
  /** The challenger's run over the new data */
  plan: RunPlan;
  manifest: DatasetManifest;
  dataset: Dataset;
  /** For each sound, the indices of clips that share it; see `sharedSounds` */
  sounds: readonly (readonly number[])[];
  /** How to load the stored champion; only used if the champion itself is tested */
  loading?: LoadOptions;
}

/** Callbacks of a retraining. */
export interface RetrainingSteps {
  /**
   * Publishes a plan and runs it as `cryfold run` does, reusing all results that are already in the store.
   * @param standIn the champion, if the plan is for its stand-in
   * @returns undefined if stopped before the run finished
   */
  evaluate(plan: RunPlan, standIn?: ModelCard): Promise<RunResults | undefined>;
  /** Returns the explanation for a missing decision if the command was stopped during a run */
  left(run: string): string;
  /** Shows a line to the user */
  say(text: string): void;
  onProgress(text: string): void;
  stop: AbortSignal;
}

/** Errors which indicate that a stored champion cannot be tested on new data. */
const UNTESTABLE: ReadonlySet<string> = new Set(['RATE_UNKNOWN', 'PROBABILITIES_INVALID']);

type Outcome = RetrainReport['outcome'];

/** Compares a challenger with the champion, and promotes it if it is significantly better. */
export class Retraining {
  readonly #challenge: Challenge;
  readonly #store: RunStore;
  readonly #models: ModelControl;
  readonly #steps: RetrainingSteps;
  readonly #evidence: RetrainReport['evidence'];
  readonly #data: ContestData;

  constructor(challenge: Challenge, store: RunStore, models: ModelControl, steps: RetrainingSteps) {
    this.#challenge = challenge;
    this.#store = store;
    this.#models = models;
    this.#steps = steps;
    const { plan, of, margin, metric, manifest, sounds } = challenge;
    this.#evidence = {
      data: { contentHash: plan.dataset.key, clips: plan.dataset.clips, known: 0, share: null, uncompared: null },
      challenger: { run: plan.run, of },
      ...{ champion: null, margin, metric, opponent: null },
    };
    this.#data = { manifest, splits: plan.splits.filter(({ outer }) => outer === undefined), sounds };
  }

  /** @throws CryfoldError any error that occurs while training, reading or predicting */
  async run(): Promise<RetrainReport> {
    const { model } = this.#challenge;
    const registry = new ModelRegistry(this.#store.artifacts);
    // The decision only applies to this champion, and is discarded if another version becomes champion in the meantime.
    const held = await registry.champion(model);
    const card = held && (await registry.find(model, held.version));
    if (card) checkModelAllowed(card, this.#challenge.loading?.allowCommands);
    if (card) this.#evidence.champion = { version: card.version, run: card.run, of: card.of };
    const decided = await this.#decide(card);
    if (!('promote' in decided) || !decided.promote) return this.#report(decided, card?.version);
    const { plan, of } = this.#challenge;
    const { card: made } = await this.#models.make(
      { run: plan.run, of, name: model },
      { signal: this.#steps.stop, onProgress: this.#steps.onProgress },
    );
    try {
      const { reason } = decided;
      const decision = { by: 'retrain', reason, evidence: this.#evidence, expected: held?.seq ?? 0 } as const;
      await this.#models.promote(model, made.version, decision);
      return this.#report({ outcome: 'promoted', reason }, made.version);
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'PROMOTION_LOST') throw error;
      const { version } = (await registry.champion(model)) ?? {};
      return this.#report({ outcome: 'lost', reason: error.message }, version);
    }
  }

  #report(
    { outcome = 'refused', code = null, reason }: { outcome?: Outcome; code?: RetrainReport['code']; reason: string },
    champion: string | undefined,
  ): RetrainReport {
    return {
      ...{ format: 1, at: new Date().toISOString(), model: this.#challenge.model, outcome, code, reason },
      ...{ champion: champion ?? null, evidence: this.#evidence },
    };
  }

  /** Runs all steps before the promotion. */
  async #decide(
    card: ModelCard | undefined,
  ): Promise<RetrainVerdict | { outcome?: Outcome; code?: 'MODEL_INCOMPARABLE'; reason: string }> {
    const { plan, of, metric, margin } = this.#challenge;
    const steps = this.#steps;
    if (card && this.#isUnchanged(card)) {
      Object.assign(this.#evidence.data, { known: plan.dataset.clips, share: 1, uncompared: 0 });
      return {
        outcome: 'unchanged',
        reason: 'the champion was already trained on the same data with the same parameters',
      };
    }
    try {
      // Prepares the comparison before training the challenger, because the training would be wasted if no comparison
      // is possible.
      const { contest, predictions, standIn, note = '' } = await this.#prepare(card);
      steps.say(`challenger: run ${plan.run}, ${counted(plan.jobs.length, 'fold')}`);
      const challenger = await steps.evaluate(plan);
      if (!challenger) return { outcome: 'cancelled', reason: steps.left(plan.run) };
      if (!modelOf(challenger, of).complete) return { outcome: 'incomplete', reason: missingFolds(challenger, of) };
      let opponent = predictions;
      if (standIn && card) {
        const before = await steps.evaluate(standIn, card);
        if (!before) return { outcome: 'cancelled', reason: steps.left(standIn.run) };
        if (!modelOf(before, card.of).complete) return { outcome: 'incomplete', reason: missingFolds(before, card.of) };
        opponent = await outOfFold(this.#store, standIn.run, card.of);
      }
      const verdict = judge({
        ...{ data: this.#data, contest, metric, margin },
        challenger: await outOfFold(this.#store, plan.run, of),
        opponent: opponent ?? classShares(this.#data),
      });
      Object.assign(this.#evidence, { test: verdict.test, recall: verdict.recall });
      return { ...verdict, reason: `${verdict.reason}${note}` };
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'MODEL_INCOMPARABLE') throw error;
      return { code: 'MODEL_INCOMPARABLE', reason: error.message };
    }
  }

  /**
   * Determines how to compare the challenger, including the predictions of its opponent if they are already known.
   * @throws CryfoldError MODEL_INCOMPARABLE
   */
  async #prepare(
    card: ModelCard | undefined,
  ): Promise<{ contest: Contest; predictions?: Predictions; standIn?: RunPlan; note?: string }> {
    const { manifest, plan, dataset } = this.#challenge;
    const before = card && (await this.#store.datasets.manifest(card.data.contentHash));
    if (card) checkClipLength(card, plan.spec);
    const audio = before && (await championSounds(dataset, before, plan.spec.features.clipSeconds));
    const overlap =
      before && audio && this.#note(trainingOverlap(before, manifest, { sounds: this.#data.sounds, ...audio }), audio);
    const chosen = chooseContest(this.#data, overlap, before?.classes);
    if ('refusal' in chosen) {
      throw new CryfoldError('MODEL_INCOMPARABLE', chosen.refusal);
    }
    this.#evidence.opponent = chosen.opponent;
    const { clips, groups, opponent } = chosen;
    if (!card || !before || !audio) return { contest: chosen };
    const where = `champion ${card.version}`;
    if (opponent === 'stand-in') {
      const standIn = await planChampion(card, plan, manifest, before);
      // The stand-in is trained from the card's spec, so the spec is checked in addition to the card's members.
      checkModelAllowed(card, this.#challenge.loading?.allowCommands, Object.values(standIn.spec.estimators));
      this.#steps.say(
        `${where}: its stand-in is run ${standIn.run}, trained on ${this.#evidence.data.known} known clips`,
      );
      return { contest: chosen, standIn };
    }
    this.#steps.say(`${where}: tested on ${clips} clips of ${groups} groups that it was not trained on`);
    try {
      const { loading = {} } = this.#challenge;
      const data = { splits: this.#data.splits, dataset, loading };
      const predictions = await storedPredictions(this.#store, card, chosen, data);
      return { contest: chosen, predictions, note: uncomparedNote(audio, before.clips.length) };
    } catch (error) {
      if (!(error instanceof CryfoldError) || !UNTESTABLE.has(error.code)) throw error;
      throw new CryfoldError('MODEL_INCOMPARABLE', `the stored champion cannot be tested: ${error.message}`);
    }
  }

  #note(overlap: TrainingOverlap, { uncompared }: ChampionSounds): TrainingOverlap {
    const known = overlap.known.filter(Boolean).length;
    Object.assign(this.#evidence.data, { known, share: overlap.share, uncompared });
    return overlap;
  }

  #isUnchanged(card: ModelCard): boolean {
    const { plan, of } = this.#challenge;
    if (card.run === plan.run && card.of === of) return true;
    return (
      card.data.contentHash === plan.dataset.key &&
      configurationOf(card.spec as typeof plan.spec, card.of) === configurationOf(plan.spec, of)
    );
  }
}
