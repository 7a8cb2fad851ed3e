"""Writes packages/svm/test/goldens/*.json: scikit-learn's results for small SVM problems. Needs scikit-learn 1.9.

python scripts/goldens/svm.py
"""

import base64
import json
from pathlib import Path

import numpy as np
import sklearn
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.calibration import _sigmoid_calibration
from sklearn.svm import SVC

OUT = Path(__file__).resolve().parents[2] / "packages/svm/test/goldens"


def blobs(rng, counts, columns, spread):
    """Returns rows of grey levels around one random centre per class, and their labels."""
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = rng.uniform(80, 170, (len(counts), columns))
    pixels = np.clip(centres[labels] + rng.normal(0, spread, (len(labels), columns)), 0, 255)
    order = rng.permutation(len(labels))
    return pixels.astype(np.uint8)[order], labels[order]


def data_sets():
    rng = np.random.default_rng(7)
    yield "separable", 1000, *blobs(rng, [30, 30, 30], 24, 8)
    yield "overlapping, binding C", 1, *blobs(rng, [40, 40, 40], 6, 60)
    yield "overlapping, C 1000", 1000, *blobs(rng, [40, 40, 40], 12, 50)
    yield "unbalanced", 1000, *blobs(rng, [90, 12, 5], 16, 40)
    pixels, labels = blobs(rng, [30, 30, 20], 10, 45)
    twins, other = pixels[:20], labels[:20].copy()
    other[:8] = (other[:8] + 1) % 3  # the same image under two labels
    yield "duplicates", 10, np.vstack([pixels, twins, twins]), np.concatenate([labels, other, labels[:20]])
    pixels, labels = blobs(rng, [30, 30, 30], 20, 40)
    pixels[:, 3:11] = 200
    pixels[:, 0] = 0
    yield "constant columns", 1000, pixels, labels


def solve(kernel, test_kernel, y, C):
    """Returns dual objective and test decisions of a precise solution. LIBSVM itself keeps the kernel in float32."""
    machine = SVC(C=C, kernel="precomputed", tol=1e-7).fit(kernel, y)
    weights = np.zeros(len(y))
    weights[machine.support_] = machine.dual_coef_[0]
    objective = 0.5 * weights @ kernel @ weights - np.abs(weights).sum()
    return machine.decision_function(test_kernel), objective


def one_vs_rest():
    for name, C, pixels, labels in data_sets():
        train = np.arange(len(labels)) % 4 != 0
        x = pixels / 255.0
        reference = SVC(C=C, gamma="scale").fit(x[train], labels[train])
        gamma = reference._gamma
        squared = ((x[:, None, :] - x[None, :, :]) ** 2).sum(-1)
        kernel = np.exp(-gamma * squared)
        decisions, objectives = [], []
        for k in range(labels.max() + 1):
            y = np.where(labels[train] == k, 1, -1)
            decision, objective = solve(kernel[np.ix_(train, train)], kernel[np.ix_(~train, train)], y, C)
            decisions.append(decision)
            objectives.append(objective)
        yield {
            "name": name,
            "C": C,
            "columns": pixels.shape[1],
            "pixels": base64.b64encode(pixels.tobytes()).decode(),
            "labels": labels.tolist(),
            "train": np.flatnonzero(train).tolist(),
            "test": np.flatnonzero(~train).tolist(),
            "gamma": gamma,
            "decisions": np.array(decisions).T.tolist(),
            "objectives": objectives,
        }


VARIANTS = [
    # data set, our parameters if they differ from {C: 1000, gamma: scale, one-vs-rest, rbf}
    ("separable", {"kernel": "linear", "C": 10}),
    ("overlapping, C 1000", {"kernel": "linear", "C": 0.1}),
    ("constant columns", {"kernel": "linear", "C": 1, "strategy": "one-vs-one"}),
    ("overlapping, C 1000", {"kernel": "poly", "degree": 2, "coef0": 1, "C": 10}),
    ("unbalanced", {"kernel": "poly", "gamma": "auto", "coef0": 0.5, "C": 100, "strategy": "one-vs-one"}),
    ("constant columns", {"kernel": "sigmoid", "gamma": "auto", "coef0": -0.5, "C": 10}),
    ("unbalanced", {"kernel": "sigmoid", "gamma": 0.02, "C": 1}),
    ("overlapping, binding C", {"gamma": "auto", "C": 10}),
    ("overlapping, binding C", {"gamma": 0.3, "C": 100, "strategy": "one-vs-one"}),
    ("duplicates", {"C": 1, "strategy": "one-vs-one"}),
    ("unbalanced", {"C": 1, "classWeight": "balanced"}),
    ("unbalanced", {"C": 1, "classWeight": "balanced", "strategy": "one-vs-one"}),
    ("overlapping, binding C", {"C": 1, "classWeight": {"b": 4, "c": 0.5}}),
    ("overlapping, binding C", {"C": 1, "classWeight": {"b": 4, "c": 0.5}, "strategy": "one-vs-one"}),
    ("separable", {"C": 1e-3}),
    ("overlapping, C 1000", {"C": 1e6}),
]


def variants():
    """Returns the decisions of SVC with its own kernels, on pixels in [0, 1]."""
    data = {name: (pixels, labels) for name, _, pixels, labels in data_sets()}
    for name, parameters in VARIANTS:
        pixels, labels = data[name]
        train = np.arange(len(labels)) % 4 != 0
        x, y, test = pixels[train] / 255.0, labels[train], pixels[~train] / 255.0
        weight = parameters.get("classWeight", "none")
        sample_weight = None
        if isinstance(weight, dict):
            sample_weight = np.array([weight.get("abc"[k], 1) for k in y], dtype=float)
        options = {k: parameters[k] for k in ("kernel", "C", "gamma", "degree", "coef0") if k in parameters}
        options.update(tol=1e-7, class_weight="balanced" if weight == "balanced" else None)
        if parameters.get("strategy") == "one-vs-one":
            machine = SVC(**options, decision_function_shape="ovr").fit(x, y, sample_weight)
            decisions = machine.decision_function(test)
        else:
            machines = [SVC(**options).fit(x, y == k, sample_weight) for k in range(labels.max() + 1)]
            decisions = np.array([machine.decision_function(test) for machine in machines]).T
        yield {"data": name, "parameters": parameters, "decisions": decisions.tolist()}


def temperature():
    """Fits softmax(factor * decision + offset) to smoothed targets with scipy, by multinomial likelihood."""
    rng = np.random.default_rng(13)
    for name, counts, scale, noise in [
        ("three classes", [40, 30, 20], 2.0, 1.5),
        ("separable", [20, 20, 20, 20], 9.0, 0.5),
        ("unbalanced, large values", [90, 8, 12], 3000.0, 3000.0),
        ("uninformative", [30, 30], 0.0, 1.0),
    ]:
        labels = np.repeat(np.arange(len(counts)), counts)
        k = len(counts)
        decisions = rng.normal(0, noise, (len(labels), k))
        decisions[np.arange(len(labels)), labels] += scale
        own = np.array(counts)[labels][:, None]
        target = np.where(np.arange(k)[None] == labels[:, None], own + 1, 1) / (own + k)

        def loss(x, decisions=decisions, target=target):
            scores = x[0] * decisions / noise + np.append(0, x[1:])
            return np.sum(target * (logsumexp(scores, axis=1, keepdims=True) - scores))

        best = minimize(loss, np.append(1, np.zeros(k - 1)), method="BFGS", options={"gtol": 1e-9})
        offsets = np.append(0, best.x[1:])
        yield {
            "name": name,
            "labels": labels.tolist(),
            "decisions": decisions.ravel().tolist(),
            "factor": best.x[0] / noise,
            "offsets": (offsets - offsets.mean()).tolist(),
            "loss": best.fun,
        }


def platt():
    """Returns scikit-learn's own fit, and the exact minimum of the same likelihood, found with scipy."""
    rng = np.random.default_rng(11)
    for name, positives, negatives, shift, spread in [
        ("overlapping", 80, 120, 1.0, 1.2),
        ("nearly separable", 40, 60, 3.0, 0.8),
        ("separable", 20, 60, 5.0, 0.5),
        ("unbalanced", 6, 194, 1.0, 1.0),
        ("uninformative", 50, 50, 0.0, 1.0),
        ("large values", 60, 90, 4000.0, 3000.0),
    ]:
        signs = np.repeat([1, -1], [positives, negatives])
        values = np.where(signs > 0, shift, -shift) / 2 + rng.normal(0, spread, len(signs))
        target = np.where(signs > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))

        def loss(ab, values=values, target=target):
            z = ab[0] * values + ab[1]
            return np.sum(target * np.logaddexp(0, z) + (1 - target) * np.logaddexp(0, -z))

        scale = np.abs(values).max()
        exact = min(
            (
                minimize(lambda ab, s=scale: loss([ab[0] / s, ab[1]]), start, method="Nelder-Mead",
                         options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20000, "maxfev": 20000})
                for start in ([0, 0], [-1, 0], [-5, 1])
            ),
            key=lambda result: result.fun,
        )
        yield {
            "name": name,
            "signs": signs.tolist(),
            "decisions": values.tolist(),
            "sklearn": [float(v) for v in _sigmoid_calibration(values, (signs > 0).astype(int))],
            "exact": [exact.x[0] / scale, exact.x[1]],
            "loss": exact.fun,
        }


def write(name, cases):
    document = {"scikit-learn": sklearn.__version__, "cases": list(cases)}
    text = json.dumps(document, separators=(",", ":"))
    (OUT / name).write_text(text + "\n")
    print(name, len(text), "bytes")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    write("one-vs-rest.json", one_vs_rest())
    write("variants.json", variants())
    write("platt.json", platt())
    write("temperature.json", temperature())
