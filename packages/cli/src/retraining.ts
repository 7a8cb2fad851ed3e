import { CryfoldError } from '@cryfold/core';
import type { RunResults } from '@cryfold/evaluation';
import { type ModelCard, ModelRegistry, type RetrainRecord } from '@cryfold/model-registry';
import { configurationOf, type ModelControl, planChampion } from '@cryfold/run-control';
import type { RunStore } from '@cryfold/store';
import { execute, type Surroundings } from './execute.js';
import { type Preparation, publish } from './prepare.js';
import { judge, judgeFirst, type RetrainVerdict } from './retrain-verdict.js';
import { noLongerFollowing } from './server-run.js';

/** What `--json` prints and `models/<name>/last-retrain.json` holds. */
type RetrainReport = RetrainRecord & {
  evidence: {
    data: { contentHash: string; clips: number /** that the champion was trained on */; known: number };
    challenger: { run: string; of: string };
    champion: { version: string; run: string; of: string } | null;
    margin: number;
  } & Partial<Pick<RetrainVerdict, 'test' | 'recall'>>;
};

export interface Challenge {
  /** Whose champion is challenged */
  model: string;
  /** Which estimator or fusion of the new run challenges it */
  of: string;
  /** By how much a class's recall may fall, 0 to 1 */
  margin: number;
  models: ModelControl;
  /** Of the spec over the new data */
  preparation: Preparation;
}

/** Evaluates a challenger beside the champion, and promotes it if it is really better. Prints nothing. */
export class Retraining {
  readonly #store: RunStore;
  readonly #models: ModelControl;
  readonly #preparation: Preparation;
  readonly #of: string;
  readonly #surroundings: Surroundings;
  readonly #model: string;
  readonly #margin: number;

  constructor({ model, of, margin, models, preparation }: Challenge, surroundings: Surroundings) {
    this.#store = surroundings.store;
    this.#models = models;
    this.#preparation = preparation;
    this.#of = of;
    this.#surroundings = surroundings;
    this.#model = model;
    this.#margin = margin;
  }

  async run(): Promise<RetrainReport> {
    const registry = new ModelRegistry(this.#store.artifacts);
    const { plan, manifest } = this.#preparation;
    const { display } = this.#surroundings;
    // The decision is about this champion: if there is another one at the end, it does not count.
    const held = await registry.champion(this.#model);
    const card = held && (await registry.find(this.#model, held.version));
    const evidence: RetrainReport['evidence'] = {
      data: { contentHash: plan.dataset.key, clips: plan.dataset.clips, known: 0 },
      challenger: { run: plan.run, of: this.#of },
      champion: card ? { version: card.version, run: card.run, of: card.of } : null,
      margin: this.#margin,
    };
    const report = (outcome: RetrainReport['outcome'], reason: string, champion = card?.version): RetrainReport => ({
      ...{ format: 1, at: new Date().toISOString(), model: this.#model, outcome, reason },
      ...{ champion: champion ?? null, evidence },
    });
    if (card && this.#isUnchanged(card)) {
      evidence.data.known = plan.dataset.clips;
      return report('unchanged', 'the champion was trained on this very data with these parameters');
    }
    const champion = card && (await this.#championPreparation(card));
    evidence.data.known = champion?.known ?? 0;
    display.say(`challenger: run ${plan.run}, ${plan.jobs.length} folds`);
    const { server, stop } = this.#surroundings;
    const submit = server && (() => server.submit(plan.spec, plan.dataset.key));
    const challenger = await this.#evaluate(this.#preparation, submit);
    if (!challenger) return report('cancelled', this.#left(plan.run));
    let verdict: RetrainVerdict;
    if (card && champion) {
      display.say(
        `champion ${card.version}: run ${champion.plan.run}, ${champion.known} of ${manifest.clips.length} clips known`,
      );
      const submit = server && (() => server.submitChampion(card.name, card.version, plan.run));
      const before = await this.#evaluate(champion, submit);
      if (!before) return report('cancelled', this.#left(champion.plan.run));
      verdict = judge({ results: before, of: card.of }, { results: challenger, of: this.#of }, this.#margin);
    } else verdict = judgeFirst({ results: challenger, of: this.#of });
    Object.assign(evidence, { test: verdict.test, recall: verdict.recall });
    if (verdict.promote === undefined) return report('incomplete', verdict.reason);
    if (!verdict.promote) return report('refused', verdict.reason);

    const { card: made } = await this.#models.make(
      { run: plan.run, of: this.#of, name: this.#model },
      { signal: stop, onProgress: (text) => display.update(text) },
    );
    try {
      const { reason } = verdict;
      const decision = { by: 'retrain', reason, evidence, expected: held?.seq ?? 0 } as const;
      await this.#models.promote(this.#model, made.version, decision);
      return report('promoted', reason, made.version);
    } catch (error) {
      if (!(error instanceof CryfoldError) || error.code !== 'PROMOTION_LOST') throw error;
      return report('lost', error.message, (await registry.champion(this.#model))?.version);
    }
  }

  /** Why nothing was decided, where somebody stopped the command. */
  #left(run: string): string {
    return this.#surroundings.server ? noLongerFollowing(run) : 'stopped; the same command goes on from there';
  }

  #isUnchanged(card: ModelCard): boolean {
    const { plan } = this.#preparation;
    if (card.run === plan.run && card.of === this.#of) return true;
    return (
      card.data.contentHash === plan.dataset.key &&
      configurationOf(card.spec as typeof plan.spec, card.of) === configurationOf(plan.spec, this.#of)
    );
  }

  async #championPreparation(card: ModelCard): Promise<Preparation & { known: number }> {
    const before = await this.#store.datasets.manifest(card.data.contentHash);
    const { plan, manifest } = this.#preparation;
    return { ...this.#preparation, ...(await planChampion(card, plan, manifest, before)) };
  }

  /** As `cryfold run`: what is in the store is not computed again. */
  async #evaluate(preparation: Preparation, submit?: () => Promise<unknown>): Promise<RunResults | undefined> {
    const { plan } = preparation;
    const stored = await this.#store.runs.results(plan.run);
    if (stored?.status === 'complete') return stored;
    await publish(this.#store, preparation, (text) => this.#surroundings.display.update(text), submit);
    return execute(plan, this.#surroundings);
  }
}
