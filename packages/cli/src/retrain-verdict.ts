import { compareRuns, nadeauBengio, type PairedTest, type RunResults } from '@cryfold/evaluation';
import { modelOf } from '@cryfold/model-registry';

/** Two-sided p-value below which a difference counts. */
const SIGNIFICANCE = 0.05;

export interface RetrainVerdict {
  /** Undefined where folds are missing. */
  promote: boolean | undefined;
  reason: string;
  /** Challenger minus champion, or minus the majority's share where there is no champion, in accuracy */
  test: PairedTest | null;
  /** Classes whose recall changed, challenger minus champion */
  recall: { label: string; champion: number; challenger: number }[];
}

interface Side {
  results: RunResults;
  of: string;
}

const points = (value: number) => `${value > 0 ? '+' : ''}${(100 * value).toFixed(2)} points`;

function evidence(test: PairedTest): string {
  const p = test.pValue < 0.0001 ? '<0.0001' : test.pValue.toFixed(4);
  return `${points(test.meanDifference)} of accuracy over ${test.folds} folds, p ${p}`;
}

/** What a run misses for a model, why, and what to do. */
function lacking({ results, of }: Side): string {
  const { members = [of] } = modelOf(results, of);
  const folds = members.length * results.baselines.majority.folds.length;
  const missing = results.missing.filter(({ model }) => members.includes(model));
  const { id } = results.run;
  const todo = `cryfold status ${id} tells more, cryfold retry ${id} tries again`;
  if (missing.length === 0) return `${of} of run ${id} misses folds; ${todo}`;
  const failed = missing.filter(({ code }) => code !== null);
  const [first] = failed;
  const count = `${missing.length} of ${folds} folds of ${members.join(', ')} ${failed.length === missing.length ? 'failed' : 'are missing'} in run ${id}`;
  const why = first ? `: first ${first.model}, repeat ${first.repeat}, fold ${first.fold} by ${first.code}` : '';
  return `${count}${why}; ${todo}`;
}

/**
 * Better by the corrected resampled t-test on identical folds, and no class is recalled worse by more than the margin
 * (over all folds and repeats).
 */
export function judge(champion: Side, challenger: Side, margin: number): RetrainVerdict {
  const { verdict, test } = compareRuns(
    { results: champion.results, model: champion.of },
    { results: challenger.results, model: challenger.of },
    SIGNIFICANCE,
  );
  const before = modelOf(champion.results, champion.of).pooled?.perClass ?? [];
  const after = modelOf(challenger.results, challenger.of).pooled?.perClass ?? [];
  const recall = after.flatMap(({ label, recall: now }) => {
    const then = before.find((one) => one.label === label)?.recall;
    return now == null || then == null ? [] : [{ label, champion: then, challenger: now }];
  });
  if (verdict === 'incomplete' || !test) {
    const [lacks] = [challenger, champion].filter(({ results, of }) => !modelOf(results, of).complete);
    return { promote: undefined, reason: lacks ? lacking(lacks) : 'too few folds for a test', test, recall };
  }
  if (verdict !== 'better') {
    return { promote: false, reason: `not better than the champion: ${evidence(test)}`, test, recall };
  }
  const fallen = recall.filter((one) => one.champion - one.challenger > margin);
  const list = fallen.map((one) => `${one.label} (${points(one.challenger - one.champion)})`).join(', ');
  return fallen.length > 0
    ? {
        promote: false,
        reason: `better, but recall falls by more than ${points(margin).slice(1)}: ${list}`,
        test,
        recall,
      }
    : { promote: true, reason: `better than the champion: ${evidence(test)}`, test, recall };
}

/** Without a champion: better, by the same test, than always naming the training clips' largest class. */
export function judgeFirst({ results, of }: Side): RetrainVerdict {
  const model = modelOf(results, of);
  const share = new Map(results.baselines.majority.folds.map((one) => [`${one.repeat}/${one.fold}`, one.accuracy]));
  const differences = model.folds.map((fold) => fold.accuracy - (share.get(`${fold.repeat}/${fold.fold}`) ?? 0));
  const test = nadeauBengio(differences, 1 / (results.protocol.folds - 1));
  if (!test || !model.complete) {
    const reason = model.complete ? 'too few folds for a test' : lacking({ results, of });
    return { promote: undefined, reason, test, recall: [] };
  }
  const better = test.pValue < SIGNIFICANCE && test.meanDifference > 0;
  return {
    promote: better,
    reason: `${better ? 'the first champion, ' : 'not '}better than the majority class: ${evidence(test)}`,
    ...{ test, recall: [] },
  };
}
