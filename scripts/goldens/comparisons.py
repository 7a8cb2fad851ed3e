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


def mcnemar(only_a, only_b):
    pairs = only_a + only_b
    p = stats.binomtest(only_a, pairs, 0.5).pvalue if pairs else 1.0
    return {"onlyA": only_a, "onlyB": only_b, "pValue": p}


def softmax_rows(n, classes, scale, labels, lean):
    z = scale * random.standard_normal((n, classes))
    z[np.arange(n), labels] += lean
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True)


def bootstrap(groups, classes, samples, seed):
    confusions = random.integers(0, 6, (groups, classes, classes))
    draws = np.random.RandomState(seed).randint(groups, size=(samples, groups))
    totals = confusions[draws].sum(axis=1)
    recall = np.diagonal(totals, axis1=1, axis2=2) / totals.sum(axis=2)
    accuracy = np.trace(totals, axis1=1, axis2=2) / totals.sum(axis=(1, 2))
    bounds = lambda v: dict(zip(("low", "high"), np.percentile(v, [2.5, 97.5]).tolist()))
    return {
        "confusions": confusions.tolist(),
        "samples": samples,
        "seed": seed,
        "accuracy": bounds(accuracy),
        "balancedAccuracy": bounds(recall.mean(axis=1)),
    }


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
        for k, ratio, shift in [(2, 0.25, 0.01), (5, 0.25, 0), (10, 0.5, 0.01), (50, 0.25, 0.03), (50, 0.25, -0.2)]
    ],
    "mcNemar": [mcnemar(*pair) for pair in [(0, 0), (1, 0), (5, 5), (3, 9), (10, 2), (120, 171), (0, 60), (2300, 2412)]],
    "bootstrap": [bootstrap(12, 3, 200, 0), bootstrap(40, 5, 100, 7)],
    "temperature": [temperature(80, 3, 1.0), temperature(80, 5, 9.0), temperature(60, 2, 2.0)],
    "stacking": [stacking(60, 3, 2), stacking(60, 5, 2), stacking(60, 2, 3)],
}
out.write_text(json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n")
print("%s: %d bytes" % (out.name, out.stat().st_size))
