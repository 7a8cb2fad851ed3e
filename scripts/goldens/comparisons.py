#!/usr/bin/env python3
"""Writes packages/evaluation/test/goldens/comparisons.json: tests, intervals, calibration and stacking by scipy,
numpy and scikit-learn.

Needs numpy, scipy and scikit-learn 1.9. Run from anywhere: python3 scripts/goldens/comparisons.py
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy import special, stats
from sklearn import metrics
from sklearn.calibration import _TemperatureScaling
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
random = np.random.default_rng(8)


def nadeau_bengio(differences, ratio):
    d = np.array(differences)
    error = np.sqrt((1 / len(d) + ratio) * d.var(ddof=1))
    t = d.mean() / error
    reach = stats.t.ppf(0.975, len(d) - 1) * error
    return {
        "differences": d.tolist(),
        "ratio": ratio,
        "t": t,
        "pValue": 2 * stats.t.sf(abs(t), len(d) - 1),
        "low": d.mean() - reach,
        "high": d.mean() + reach,
    }


def softmax_rows(n, classes, scale, labels, lean):
    z = scale * random.standard_normal((n, classes))
    z[np.arange(n), labels] += lean
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True)


def metric_of(metric, rows):
    """Computes a metric of predictions with scikit-learn; rows are (label, predicted class, probabilities)."""
    labels, predicted = [row[0] for row in rows], [row[1] for row in rows]
    if metric == "logLoss":
        return metrics.log_loss(labels, [row[2] for row in rows], labels=range(len(rows[0][2])))
    return {
        "accuracy": metrics.accuracy_score,
        "balancedAccuracy": metrics.balanced_accuracy_score,
        "macroF1": lambda *pair: metrics.f1_score(*pair, average="macro"),
    }[metric](labels, predicted)


def jackknife(statistic, groups):
    without = [statistic([group for h, group in enumerate(groups) if h != g]) for g in range(len(groups))]
    return np.sqrt((len(groups) - 1) * np.var(without))


def group_test(metric, groups, classes, lean):
    """Compares two models on the same groups: exact exchange of groups with scipy, and a jackknife interval."""
    sizes = random.integers(2, 7, groups)
    labels = [random.integers(0, classes, size) for size in sizes]
    models = []
    for own in (1.5, lean):
        parts = [softmax_rows(size, classes, 1, y, own) for size, y in zip(sizes, labels)]
        models.append([[(int(l), int(row.argmax()), row.tolist()) for l, row in zip(y, p)] for y, p in zip(labels, parts)])
    flat = lambda parts: [row for part in parts for row in part]
    everything = models[0] + models[1]
    difference = lambda a, b: metric_of(metric, flat(everything[i] for i in a)) - metric_of(metric, flat(everything[i] for i in b))
    exchanged = stats.permutation_test(
        (np.arange(groups), groups + np.arange(groups)),
        difference,
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,
    )
    pairs = list(zip(*models))
    apart = lambda chosen: metric_of(metric, flat(a for a, _ in chosen)) - metric_of(metric, flat(b for _, b in chosen))
    error = jackknife(apart, pairs)
    reach = stats.t.ppf(0.975, groups - 1) * error
    observed = apart(pairs)
    share = metric_of(metric, flat(models[0]))
    golden = {"metric": metric, "classes": classes, "models": models, "difference": observed, "pValue": exchanged.pvalue}
    golden |= {"low": observed - reach, "high": observed + reach}
    if metric != "logLoss":
        spread = jackknife(lambda chosen: metric_of(metric, flat(chosen)), models[0]) / (share * (1 - share))
        around = special.logit(share) + stats.t.ppf([0.025, 0.975], groups - 1) * spread
        golden["interval"] = dict(zip(("low", "high"), special.expit(around).tolist()))
    return golden


def temperature(n, classes, lean):
    labels = random.integers(0, classes, n)
    p = softmax_rows(n, classes, 3, labels, lean)
    # the script passes logits, as scikit-learn converts probabilities with its own epsilon
    beta = float(_TemperatureScaling().fit(np.log(p), labels.astype(float)).beta_)
    calibrated = special.softmax(beta * np.log(p), axis=1)
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "probabilities": p.ravel().tolist(),
        "temperature": 1 / beta,
        "logLoss": metrics.log_loss(labels, calibrated, labels=range(classes)),
    }


def stacking(n, classes, members):
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, n - classes)])
    parts = [softmax_rows(n, classes, 1, labels, lean) for lean in np.linspace(0.3, 2, members)]
    test = [softmax_rows(5, classes, 1, labels[:5] % classes, 1) for _ in range(members)]
    # scikit-learn treats two classes as one sigmoid, which doubles the penalty of a two-column softmax
    c = 2.0 if classes == 2 else 1.0
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(np.hstack(parts), labels)
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "members": [p.ravel().tolist() for p in parts],
        "test": [p.ravel().tolist() for p in test],
        "expected": model.predict_proba(np.hstack(test)).ravel().tolist(),
    }


out = pathlib.Path(__file__).resolve().parents[2] / "packages/evaluation/test/goldens/comparisons.json"
golden = {
    "made by": "scripts/goldens/comparisons.py, numpy %s, scipy %s, scikit-learn %s"
    % (np.__version__, scipy.__version__, sklearn.__version__),
    "incompleteBeta": [
        [a, b, x, special.betainc(a, b, x)]
        for a, b in [(0.5, 0.5), (24.5, 0.5), (2, 3), (1, 1), (100, 2), (4000, 4100), (0.1, 30)]
        for x in (0, 1e-9, 0.01, 0.3, 0.4938, 0.7, 0.999, 1)
    ],
    "nadeauBengio": [
        nadeau_bengio((shift + 0.02 * random.standard_normal(k)).tolist(), ratio)
        for k, ratio, shift in [(5, 0.25, 0), (10, 0.5, 0.01), (50, 0.25, 0.03), (50, 0.25, -0.2)]
    ],
    "groups": [
        group_test(metric, groups, classes, lean)
        for metric in ("accuracy", "balancedAccuracy", "macroF1", "logLoss")
        for groups, classes, lean in [(7, 2, 1.5), (9, 3, 0.2)]
    ],
    "temperature": [temperature(80, 3, 1.0), temperature(80, 5, 9.0), temperature(60, 2, 2.0)],
    "stacking": [stacking(60, 3, 2), stacking(60, 5, 2), stacking(60, 2, 3)],
}
out.write_text(json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n")
print("%s: %d bytes" % (out.name, out.stat().st_size))
