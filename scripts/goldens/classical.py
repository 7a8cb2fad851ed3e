"""Writes packages/estimators/test/goldens/classical.json: scikit-learn's results for small problems. Needs scikit-learn 1.9.

python scripts/goldens/classical.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

OUT = Path(__file__).resolve().parents[2] / "packages/estimators/test/goldens/classical.json"


def clips(seed, counts, columns, spread, grey):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = rng.uniform(80, 170, (len(counts), columns))
    rows = centres[labels] + rng.normal(0, spread, (len(labels), columns))
    # Columns of different scale, and a constant one, so that standardisation matters.
    rows = np.clip(rows, 0, 255).round() if grey else (rows - 120) * rng.uniform(0.01, 3, columns)
    rows[:, 1] = 7
    order = rng.permutation(len(labels))
    return rows.astype(np.float32)[order].astype(float), labels[order]


DATA = {
    "grey": dict(seed=1, counts=[30, 30, 25], columns=12, spread=45, grey=True),
    "wide": dict(seed=2, counts=[14, 14, 14, 14], columns=90, spread=70, grey=True),
    "vectors": dict(seed=3, counts=[30, 25, 20], columns=8, spread=60, grey=False),
    "noisy": dict(seed=5, counts=[70, 60, 60], columns=4, spread=45, grey=False),
    "noisy grey": dict(seed=6, counts=[60, 60, 60], columns=6, spread=45, grey=True),
    "noisy two": dict(seed=8, counts=[90, 90], columns=4, spread=45, grey=False),
    "two": dict(seed=4, counts=[30, 30], columns=6, spread=60, grey=False),
}


def answers(kind, parameters, x, y, test):
    """Returns the probabilities or decisions of the test rows."""
    options = {key: value for key, value in parameters.items() if key != "standardise"}
    if parameters.get("standardise"):
        scaler = StandardScaler().fit(x)
        x, test = scaler.transform(x), scaler.transform(test)
    if kind == "logistic-regression":
        return LogisticRegression(C=options.get("C", 1), tol=1e-10, max_iter=100000).fit(x, y).predict_proba(test)
    if kind == "k-nearest-neighbours":
        names = {"n_neighbors": options.get("neighbours", 5), "weights": options.get("weights", "uniform")}
        return KNeighborsClassifier(algorithm="brute", **names).fit(x, y).predict_proba(test)
    if kind == "clustering-svm":
        # With one cluster, the model is an SVM of all clips.
        machines = [SVC(C=options["C"], tol=1e-7).fit(x, y == k) for k in range(y.max() + 1)]
        return np.array([machine.decision_function(test) for machine in machines]).T
    if kind == "linear-svm":
        machines = [SVC(kernel="linear", C=options.get("C", 1), tol=1e-7).fit(x, y == k) for k in range(y.max() + 1)]
        return np.array([machine.decision_function(test) for machine in machines]).T
    share = {"sqrt": "sqrt", "all": None}.get(options.get("maxFeatures", "sqrt"), options.get("maxFeatures"))
    names = {"max_depth": options.get("maxDepth"), "min_samples_leaf": options["minLeaf"] if "minLeaf" in options else 1}
    if options["trees"] == 1:
        # For one tree of all columns and rows, only the order of the columns is random.
        return same_for_all_seeds(lambda seed: DecisionTreeClassifier(random_state=seed, **names), x, y, test)
    names.update(n_estimators=options["trees"])
    if kind == "random-forest":
        names.update(max_features=share, bootstrap=options.get("bootstrap", True), random_state=0, n_jobs=-1)
        return RandomForestClassifier(**names).fit(x, y).predict_proba(test)
    names.update(learning_rate=options.get("learningRate", 0.1))
    return same_for_all_seeds(lambda seed: GradientBoostingClassifier(random_state=seed, **names), x, y, test)


def same_for_all_seeds(model, x, y, test):
    """Rejects cases with two equally good splits: scikit-learn uses the one whose column it has drawn first."""
    all_seeds = [model(seed).fit(x, y).predict_proba(test) for seed in range(8)]
    assert np.ptp(all_seeds, axis=0).max() < 1e-9, "a tie: choose other data"
    return all_seeds[0]


WHOLE_TREE = {"trees": 1, "bootstrap": False, "maxFeatures": "all"}
CASES = [
    ("grey", "logistic-regression", {}),
    ("grey", "logistic-regression", {"C": 100}),
    ("grey", "logistic-regression", {"C": 0.01, "standardise": True}),
    ("wide", "logistic-regression", {"C": 10}),
    ("vectors", "logistic-regression", {}),
    ("vectors", "logistic-regression", {"standardise": True}),
    ("two", "logistic-regression", {"standardise": True}),
    ("grey", "k-nearest-neighbours", {}),
    ("grey", "k-nearest-neighbours", {"neighbours": 7, "weights": "distance"}),
    ("wide", "k-nearest-neighbours", {"neighbours": 3, "standardise": True}),
    ("vectors", "k-nearest-neighbours", {"weights": "distance", "standardise": True}),
    ("grey", "clustering-svm", {"clusters": 1, "C": 10}),
    ("vectors", "clustering-svm", {"clusters": 1, "C": 10}),
    ("vectors", "clustering-svm", {"clusters": 1, "C": 10, "standardise": True}),
    ("grey", "linear-svm", {}),
    ("wide", "linear-svm", {"C": 10}),
    ("vectors", "linear-svm", {"C": 0.1}),
    ("vectors", "linear-svm", {"standardise": True}),
    ("noisy", "random-forest", {**WHOLE_TREE, "maxDepth": 4, "minLeaf": 9}),
    ("noisy", "random-forest", {**WHOLE_TREE, "minLeaf": 12}),
    ("noisy grey", "random-forest", {**WHOLE_TREE, "maxDepth": 3, "minLeaf": 10}),
    ("noisy", "gradient-boosting", {"trees": 30, "maxDepth": 3, "minLeaf": 12, "maxFeatures": "all"}),
    ("noisy", "gradient-boosting", {"trees": 20, "maxDepth": 2, "minLeaf": 9, "learningRate": 0.3, "maxFeatures": "all"}),
    ("noisy two", "gradient-boosting", {"trees": 20, "maxDepth": 3, "minLeaf": 12, "maxFeatures": "all"}),
    # A forest draws its rows and columns with another generator, so this is what many trees converge to.
    ("grey", "random-forest", {"trees": 4000}),
    ("noisy", "random-forest", {"trees": 4000, "maxDepth": 5, "maxFeatures": 0.5}),
    ("noisy", "random-forest", {"trees": 4000, "minLeaf": 4, "bootstrap": False}),
]


def of_kind(data, kind, parameters):
    x, y = clips(**DATA[data])
    if DATA[data]["grey"] and kind not in ("random-forest", "gradient-boosting"):
        x = x / 255
    train = np.arange(len(y)) % 4 != 0
    return {
        "data": data,
        "kind": kind,
        "parameters": parameters,
        "answers": answers(kind, parameters, x[train], y[train], x[~train]).ravel().tolist(),
    }


def clustering(data, starts):
    """Runs scikit-learn's k-means on the training rows, from given initial centres."""
    x, y = clips(**DATA[data])
    train = (x / 255 if DATA[data]["grey"] else x)[np.arange(len(y)) % 4 != 0]
    found = KMeans(len(starts), init=train[starts], n_init=1, tol=0, algorithm="lloyd").fit(train)
    return {"data": data, "starts": starts, "clusters": found.labels_.tolist(), "inertia": found.inertia_}


if __name__ == "__main__":
    sets = {}
    for name, options in DATA.items():
        x, y = clips(**options)
        sets[name] = {"grey": options["grey"], "columns": x.shape[1], "rows": x.ravel().tolist(), "labels": y.tolist()}
    document = {"scikit-learn": sklearn.__version__, "data": sets, "cases": [of_kind(*case) for case in CASES]}
    starts = [("grey", [0, 5, 9]), ("wide", [3, 11, 20, 30]), ("vectors", [1, 2, 8]), ("noisy", [0, 7, 20, 33, 50])]
    document["clusterings"] = [clustering(*one) for one in starts]
    text = json.dumps(document, separators=(",", ":"))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(text + "\n")
    print(len(text), "bytes")
