"""Writes packages/svm/test/goldens/vectors.json: scikit-learn's StandardScaler and SVC on rows of floats.

python scripts/goldens/svm_vectors.py      (scikit-learn 1.9)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.multiclass import OneVsRestClassifier

OUT = Path(__file__).resolve().parents[2] / "packages/svm/test/goldens"
rng = np.random.default_rng(11)
counts, columns = [20, 24, 16], 8
labels = np.repeat(np.arange(3), counts)
# Columns of very different scales, one of them constant.
scale = np.array([1e-4, 1, 30, 1e3, 2e5, 1, 0.1, 0])
centres = rng.normal(0, 1, (3, columns))
rows = ((centres[labels] + rng.normal(0, 1.2, (60, columns))) * scale + [0, 5, -3, 1e4, 0, 0, 1, 7]).astype(np.float32)
order = rng.permutation(60)
rows, labels = rows[order], labels[order]
train, test = np.arange(45), np.arange(45, 60)
cases = []
for parameters in [
    {"kernel": "rbf", "C": 10.0},
    {"kernel": "linear", "C": 1.0},
    {"kernel": "poly", "C": 1.0, "degree": 3, "coef0": 1.0},
]:
    machine = make_pipeline(StandardScaler(), OneVsRestClassifier(SVC(tol=1e-8, **parameters)))
    machine.fit(rows[train].astype(np.float64), labels[train])
    decisions = machine.decision_function(rows[test].astype(np.float64))
    cases.append({"parameters": parameters, "decisions": np.round(decisions, 7).tolist()})
scaler = StandardScaler().fit(rows[train].astype(np.float64))
data = {
    "columns": columns,
    "rows": [float(x) for x in rows.ravel()],
    "labels": labels.tolist(),
    "train": train.tolist(),
    "test": test.tolist(),
    "mean": scaler.mean_.tolist(),
    "deviation": scaler.scale_.tolist(),
    "cases": cases,
}
OUT.joinpath("vectors.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")
