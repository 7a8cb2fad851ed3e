#!/usr/bin/env python3
"""Writes packages/evaluation/test/goldens/splits.json: the results of scikit-learn's splitters and numpy's RandomState.

Needs numpy and scikit-learn 1.9. Run from anywhere: python3 scripts/goldens/splits.py
A split is stored as the first 12 hex digits of the sha256 over the int32 little-endian bytes of train then test of
every split, one per seed; small cases are also stored in full. The test contains a copy of labels_and_groups().
"""

import hashlib
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    train_test_split,
)

warnings.filterwarnings("ignore", category=UserWarning)  # "least populated class": these cases are intended
SEEDS = [*range(16), 42, 12345, 2**31, 2**32 - 1]
SIZES = [10, 57, 439, 2268]


def labels_and_groups(n, classes, groups):
    """Unbalanced labels and groups from a linear congruential generator, the same in Python and TypeScript."""
    x = n
    labels, names = [], []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        labels.append(int(classes * ((x >> 8) / 2**24) ** 2))
        x = (1664525 * x + 1013904223) % 2**32
        names.append("g%d" % int(groups * ((x >> 8) / 2**24) ** 2))
    return np.array(labels), np.array(names)


def digest(splits):
    sha = hashlib.sha256()
    for train, test in splits:
        sha.update(np.asarray(train, dtype="<i4").tobytes())
        sha.update(np.asarray(test, dtype="<i4").tobytes())
    return sha.hexdigest()[:12]


def plain(splits):
    return [[np.asarray(train).tolist(), np.asarray(test).tolist()] for train, test in splits]


cases = []


def case(splitter, parameters, make, whole_at=10):
    """make(seed) returns a list of (train, test)."""
    entry = {"splitter": splitter, **parameters, "digests": " ".join(digest(make(seed)) for seed in SEEDS)}
    if parameters["n"] <= whole_at:
        entry["seed 42"] = plain(make(42))
    cases.append(entry)


for n in SIZES:
    rows = np.zeros((n, 1))
    index = np.arange(n)
    for k in (2, 5, 10):
        case("kFold", {"n": n, "splits": k, "shuffle": False}, lambda s: list(KFold(k).split(rows)))
        case(
            "kFold",
            {"n": n, "splits": k, "shuffle": True},
            lambda s: list(KFold(k, shuffle=True, random_state=s).split(rows)),
        )
    case(
        "repeatedKFold",
        {"n": n, "splits": 5, "repeats": 10},
        lambda s: list(RepeatedKFold(n_splits=5, n_repeats=10, random_state=s).split(rows)),
        whole_at=0,
    )
    for size in (0.2, 0.33, 3):
        case(
            "trainTestSplit",
            {"n": n, "testSize": size},
            lambda s: [train_test_split(index, test_size=size, random_state=s)],
        )
    case(
        "shuffleSplit",
        {"n": n, "testSize": 0.2, "repeats": 4},
        lambda s: list(ShuffleSplit(4, test_size=0.2, random_state=s).split(rows)),
    )

for n, classes, groups in [(57, 3, 20), (57, 2, 9), (439, 8, 69), (439, 12, 40), (2268, 5, 73)]:
    labels, names = labels_and_groups(n, classes, groups)
    rows = np.zeros((n, 1))
    about = {"n": n, "classes": classes, "groups": groups}
    for k in (2, 5, 9):
        for shuffle in (False, True):
            random = lambda s: {"shuffle": shuffle, "random_state": s if shuffle else None}
            if k <= max(np.bincount(labels)):
                case(
                    "stratifiedKFold",
                    {**about, "splits": k, "shuffle": shuffle},
                    lambda s: list(StratifiedKFold(k, **random(s)).split(rows, labels)),
                )
            if k <= len(set(names)):
                case(
                    "groupKFold",
                    {**about, "splits": k, "shuffle": shuffle},
                    lambda s: list(GroupKFold(k, **random(s)).split(rows, labels, names)),
                )
                case(
                    "stratifiedGroupKFold",
                    {**about, "splits": k, "shuffle": shuffle},
                    lambda s: list(StratifiedGroupKFold(k, **random(s)).split(rows, labels, names)),
                )
    case(
        "repeatedStratifiedKFold",
        {**about, "splits": 5, "repeats": 3},
        lambda s: list(
            RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=s).split(rows, labels)
        ),
    )
    if min(np.bincount(labels)) >= 2:
        index = np.arange(n)
        case(
            "trainTestSplit",
            {**about, "testSize": 0.3, "stratify": True},
            lambda s: [train_test_split(index, test_size=0.3, random_state=s, stratify=labels)],
        )
        case(
            "shuffleSplit",
            {**about, "testSize": 0.25, "stratify": True, "repeats": 3},
            lambda s: list(StratifiedShuffleSplit(3, test_size=0.25, random_state=s).split(rows, labels)),
        )


def generator(seed):
    random = np.random.RandomState(seed)
    # numpy's randint returns 64-bit integers; below 2^32 they come from one masked 32-bit draw
    draws = [int(random.randint(bound)) for bound in (2**32, 1, 2, 3, 10, 1000, 65536, 65537, 2**31, 2**31 + 1)]
    order = random.permutation(700).astype("<i4")  # over 624 words, so the state is regenerated on the way
    return {"randint": draws, "permutation": hashlib.sha256(order.tobytes()).hexdigest()[:16]}


out = pathlib.Path(__file__).resolve().parents[2] / "packages/evaluation/test/goldens/splits.json"
golden = {
    "made by": "scripts/goldens/splits.py, numpy %s, scikit-learn %s" % (np.__version__, sklearn.__version__),
    "seeds": SEEDS,
    "randomState": [generator(seed) for seed in SEEDS],
    "cases": cases,
}
text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in golden.pop("cases"))
out.write_text(json.dumps(golden, separators=(",", ":"))[:-1] + ',"cases":[\n' + text + "\n]}\n")
print("%s: %d cases, %d bytes" % (out.name, len(cases), out.stat().st_size))
