"""Reads a finished run into pandas: out-of-fold.csv, results.json, and the arrays (.npy) in the store.

    pip install pandas matplotlib
    npx cryfold run SPEC --data DIR --store STORE --out OUT
    python3 examples/analysis.py OUT STORE [PLOT.png]

Without matplotlib it prints the tables and draws nothing.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

out, store = Path(sys.argv[1]), Path(sys.argv[2])
plot = Path(sys.argv[3]) if len(sys.argv) > 3 else out / "analysis.png"

# What each model predicted for each test clip: columns MODEL:CLASS, and for an SVM also MODEL.decision:CLASS.
predictions = pd.read_csv(out / "out-of-fold.csv", dtype={"clip": str, "group": str, "label": str})
for column in ("clip", "group", "label"):
    # Text that a spreadsheet would read as a formula starts with an apostrophe: docs/results.md.
    predictions[column] = predictions[column].str.replace(r"^'(?='*[=+\-@\t\r\n＝＋－＠])", "", regex=True)
results = json.loads((out / "results.json").read_text())
classes = results["dataset"]["classes"]


def predicted(model):
    name = model["name"] + (".decision" if model["predictedBy"] == "decisions" else "")
    scores = predictions[[f"{name}:{label}" for label in classes]]
    best = pd.Series(np.array(classes)[scores.to_numpy().argmax(axis=1)], predictions.index)
    # The cells of a fold without a result are empty.
    return best.where(scores.notna().all(axis=1))


answers = {model["name"]: predicted(model) for model in results["models"]}
right = pd.DataFrame({name: (own == predictions["label"]).where(own.notna()) for name, own in answers.items()})
right = right.astype(float)
folds = right.groupby([predictions["repeat"], predictions["fold"]]).mean()
table = pd.DataFrame({"mean": folds.mean(), "sd": folds.std(), "pooled": right.mean()})
print(f"{results['run']['id']}: accuracy, {results['protocol']['label']}")
print(table.to_string(float_format="{:.4f}".format))
for model in results["models"]:
    # The figures equal those that cryfold computed.
    assert not model["complete"] or abs(model["accuracy"]["mean"] - folds[model["name"]].mean()) < 1e-9

# What the models saw: one row per clip, in the order of the dataset's manifest.
plan = json.loads((store / "runs" / results["run"]["id"] / "plan.json").read_text())
manifest = json.loads((store / "datasets" / plan["dataset"]["key"] / "manifest.json").read_text())
clips = pd.DataFrame(manifest["clips"])
folder = store / "features" / plan["features"]["key"]
features = np.load(next(file for file in (folder / "images.npy", folder / "vectors.npy") if file.exists()))
print(f"features of {len(clips)} clips: {features.dtype} {features.shape}")
assert len(features) == len(clips)

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print("no plot: matplotlib is not installed")
    sys.exit()

rows = features.reshape(len(features), -1).astype(np.float64)
centred = (rows - rows.mean(axis=0)) / np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1)
u, s, _ = np.linalg.svd(centred, full_matrices=False)
figure, (left, middle, last) = plt.subplots(1, 3, figsize=(15, 4.5))
folds.boxplot(ax=left)
left.set_title("accuracy by fold")
right.groupby(predictions["group"]).mean().plot.hist(ax=middle, bins=10, alpha=0.5)
middle.set_title("accuracy by group")
for label, own in clips.groupby("label").groups.items():
    last.scatter(*(u[own, :2] * s[:2]).T, s=8, label=label)
last.set_title("features: first two principal components")
last.legend()
figure.tight_layout()
figure.savefig(plot)
print(f"plot: {plot}")
