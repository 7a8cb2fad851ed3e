#!/usr/bin/env python3
"""Writes packages/evaluation/test/goldens/metrics.json: results of scikit-learn's metrics for random and edge cases.

Needs numpy and scikit-learn 1.9. Run from anywhere: python3 scripts/goldens/metrics.py
Undefined values (NaN) are stored as null. ECE is not in scikit-learn; it is computed here with numpy from its
definition (Guo et al. 2017, 15 bins of equal width, each of which includes its upper edge but not its lower one).
"""

import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics

warnings.filterwarnings("ignore")
random = np.random.default_rng(3)


def ece(labels, probabilities, bins=15):
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    total = 0.0
    for b in range(bins):
        inside = (np.ceil(confidence * bins) == b + 1) | ((b == 0) & (confidence == 0))
        if inside.any():
            total += inside.mean() * abs((predicted == labels)[inside].mean() - confidence[inside].mean())
    return total


def oracle(labels, probabilities):
    classes = list(range(probabilities.shape[1]))
    predicted = probabilities.argmax(axis=1)
    each = {"labels": classes, "average": None, "zero_division": np.nan}
    return {
        "predicted": predicted.tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=classes).tolist(),
        "rowNormalised": metrics.confusion_matrix(labels, predicted, labels=classes, normalize="true").tolist(),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balancedAccuracy": metrics.balanced_accuracy_score(labels, predicted),
        "macroF1": metrics.f1_score(labels, predicted, average="macro"),
        "cohenKappa": metrics.cohen_kappa_score(labels, predicted),
        "matthews": metrics.matthews_corrcoef(labels, predicted),
        "recall": metrics.recall_score(labels, predicted, **each).tolist(),
        "precision": metrics.precision_score(labels, predicted, **each).tolist(),
        "logLoss": metrics.log_loss(labels, probabilities, labels=classes),
        "brier": metrics.brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False),
        "ece": ece(labels, probabilities),
    }


def softmax_rows(n, classes, scale):
    z = np.exp(scale * random.standard_normal((n, classes)))
    return z / z.sum(axis=1, keepdims=True)


def learnt(labels, probabilities, weight):
    return (1 - weight) * probabilities + weight * np.eye(probabilities.shape[1])[labels]


cases = {}
labels = random.integers(0, 5, 80)
cases["five classes"] = (labels, learnt(labels, softmax_rows(80, 5, 2), 0.3))
labels = random.integers(0, 2, 60)
cases["two classes"] = (labels, learnt(labels, softmax_rows(60, 2, 1), 0.2))
labels = random.integers(0, 4, 60)
cases["a class without clips, but predicted"] = (labels, softmax_rows(60, 5, 2))
probabilities = softmax_rows(60, 5, 1)
probabilities[:, 4] = 0
cases["a class without clips, never predicted"] = (labels, probabilities / probabilities.sum(axis=1, keepdims=True))
labels = random.integers(0, 5, 60)
cases["a class never predicted"] = (labels, probabilities / probabilities.sum(axis=1, keepdims=True))
cases["ties"] = (labels, random.permuted(np.tile([0.4, 0.4, 0.2, 0, 0], (60, 1)), axis=1))
cases["uniform"] = (labels, np.full((60, 5), 0.2))
cases["zero and one"] = (labels, np.eye(5)[random.integers(0, 5, 60)])
cases["perfect"] = (labels, np.eye(5)[labels])
cases["all wrong"] = (labels, np.eye(5)[(labels + 1) % 5])
cases["one class, all right"] = (np.zeros(10, dtype=int), np.tile([1.0, 0, 0], (10, 1)))
cases["one class, all wrong"] = (np.zeros(10, dtype=int), np.tile([0, 1.0, 0], (10, 1)))
cases["one class predicted"] = (np.arange(10) % 3, np.tile([0.5, 0.3, 0.2], (10, 1)))
cases["one clip"] = (np.array([1]), np.array([[0.3, 0.3, 0.4]]))
cases["float32 probabilities"] = (labels, softmax_rows(60, 5, 1).astype(np.float32).astype(np.float64))

values = [random.random(n).tolist() for n in (1, 2, 5, 50)] + [[0.9] * 5]
summaries = [
    {
        "values": v,
        "mean": np.mean(v),
        "standardDeviation": np.std(v, ddof=1) if len(v) > 1 else None,
        "minimum": min(v),
        "maximum": max(v),
        "count": len(v),
    }
    for v in values
]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


out = pathlib.Path(__file__).resolve().parents[2] / "packages/evaluation/test/goldens/metrics.json"
golden = {
    "made by": "scripts/goldens/metrics.py, numpy %s, scikit-learn %s" % (np.__version__, sklearn.__version__),
    "summaries": summaries,
    "cases": {
        name: {
            "labels": labels.tolist(),
            "classes": probabilities.shape[1],
            "probabilities": probabilities.ravel().tolist(),
            "expected": oracle(labels, probabilities),
        }
        for name, (labels, probabilities) in cases.items()
    },
}
out.write_text(json.dumps(plain(golden), separators=(",", ":")).replace('},"', '},\n"') + "\n")
print("%s: %d cases, %d bytes" % (out.name, len(cases), out.stat().st_size))
