"""scikit-learn's side of `scripts/bench svm`: reads one JSON request per line, and writes the seconds to stdout.

Arguments: images.npy (u1, clips x pixels), labels.npy (i4). Requests: {"what": NAME, "clips": N}.
"""

import json
import sys
import time
import warnings

import numpy as np
from sklearn.model_selection import KFold, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

warnings.simplefilter("ignore")  # SVC(probability=True) is deprecated, but still in common use
images = np.load(sys.argv[1]).astype(np.float64) / 255
labels = np.load(sys.argv[2])


def squared_distances(x):
    norms = np.einsum("ij,ij->i", x, x)
    return norms[:, None] + norms[None] - 2 * x @ x.T


def first_fold(clips):
    return next(KFold(5, shuffle=True, random_state=0).split(images[:clips]))


def distances(clips):
    squared_distances(images[:clips])


def folds_precomputed(clips):
    """Runs one fold with Platt scaling on given distances: 5 SVMs, each with LIBSVM's inner 5-fold cross-validation."""
    squared = known[clips]
    train, test = first_fold(clips)
    start = time.perf_counter()
    gamma = 1 / (images.shape[1] * images[:clips][train].var())
    prepared = time.perf_counter() - start  # computing gamma from moments is not part of the comparison
    kernel = np.exp(-gamma * squared[np.ix_(train, train)])
    machine = OneVsRestClassifier(SVC(C=1000, kernel="precomputed", probability=True, random_state=0))
    machine.fit(kernel, labels[:clips][train]).predict_proba(np.exp(-gamma * squared[np.ix_(test, train)]))
    return prepared


def pixels(clips):
    """Runs two folds on two processors as a user would, with cross_validate on the flattened images."""
    machine = OneVsRestClassifier(SVC(C=1000, gamma="scale", probability=True, random_state=0))
    splits = list(KFold(5, shuffle=True, random_state=0).split(images[:clips]))[:2]
    cross_validate(machine, images[:clips], labels[:clips], cv=splits, n_jobs=2, scoring="neg_log_loss")


known = {}
for line in sys.stdin:
    request = json.loads(line)
    clips = request["clips"]
    if request["what"] == "folds_precomputed" and clips not in known:
        known[clips] = squared_distances(images[:clips])
    start = time.perf_counter()
    excluded = {"distances": distances, "folds_precomputed": folds_precomputed, "pixels": pixels}[request["what"]](clips)
    print(time.perf_counter() - start - (excluded or 0), flush=True)
