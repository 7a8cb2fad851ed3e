"""Optuna's side of `tools/study-racing`: races each sweep in a JSON file with WilcoxonPruner, and prints the results.

Needs optuna. usage: wilcoxon-pruner.py SCORES.json     sweeps x trials x folds
"""

import json
import sys
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore")
out = []
with open(sys.argv[1], encoding="utf-8") as file:
    sweeps = json.load(file)
for scores in sweeps:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.WilcoxonPruner(p_threshold=0.1))
    folds, kept = 0, []
    for i, own in enumerate(scores):
        trial = study.ask()
        for step, value in enumerate(own):
            folds += 1
            trial.report(value, step)
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, sum(own) / len(own))
            kept.append(i)
    out.append({"folds": folds, "kept": kept})
print(json.dumps(out))
