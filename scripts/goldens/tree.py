#!/usr/bin/env python3
"""Writes packages/evaluation/test/goldens/tree.json: what scikit-learn's shallow decision trees predict.

Needs numpy and scikit-learn 1.9. Run from anywhere: python3 scripts/goldens/tree.py
Values are multiples of 1/64, which scikit-learn's float32 represents exactly.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.tree import DecisionTreeClassifier

random = np.random.default_rng(5)


def case(name, rows, columns, classes, depth, leaf, signal):
    labels = random.choice(classes, size=rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    values = random.standard_normal((rows, columns))
    values[:, 0] += signal * labels
    values[:, 1] -= signal * (labels % 2)
    values = np.round(values * 64) / 64
    train = np.arange(rows) % 4 != 0
    tree = DecisionTreeClassifier(
        max_depth=depth, min_samples_leaf=leaf, class_weight="balanced", random_state=0
    ).fit(values[train], labels[train])
    return {
        "name": name,
        "classes": classes,
        "maxDepth": depth,
        "minLeaf": leaf,
        "labels": labels.tolist(),
        "columns": values.T.tolist(),
        "train": np.flatnonzero(train).tolist(),
        "predicted": tree.predict(values).tolist(),
    }


cases = [
    case("two classes apart", 120, 3, 2, 3, 3, 4.0),
    case("two classes that overlap", 400, 4, 2, 3, 3, 0.8),
    case("five classes", 500, 5, 5, 4, 3, 1.0),
    case("nothing to learn", 300, 4, 3, 3, 3, 0.0),
    case("large leaves", 300, 4, 4, 3, 20, 1.0),
]
path = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/goldens/tree.json"
path.write_text(json.dumps({"sklearn": sklearn.__version__, "cases": cases}, separators=(",", ":")) + "\n")
