"""Computes scikit-learn's splits for tools/check-splits: one case per line of input, one answer per line of output.

The first line of output contains the versions. An answer is {"digest": ...} of all training and test indices, or
{"refused": ...} with scikit-learn's reason.
"""

import hashlib
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    train_test_split,
)

warnings.filterwarnings("ignore")


def answers(case):
    """Returns every splitter by name, as a function that returns pairs of training and test indices."""
    k, r, seed, size = case["folds"], case["repeats"], case["seed"], case["testSize"]
    y, groups = np.array(case["labels"]), np.array(case["groups"])
    x = np.zeros((len(y), 1))
    once = dict(n_splits=k, shuffle=True, random_state=seed)
    repeated = dict(n_splits=k, n_repeats=r, random_state=seed)
    sized = dict(test_size=size, random_state=seed)

    def each_repeat(kind):
        # Each repeat of cryfold's grouped splitters has its own seed.
        for own in case["repeatSeeds"]:
            yield from kind(k, shuffle=True, random_state=own).split(x, y, groups)

    return {
        "KFold": lambda: KFold(**once).split(x),
        "RepeatedKFold": lambda: RepeatedKFold(**repeated).split(x),
        "StratifiedKFold": lambda: StratifiedKFold(**once).split(x, y),
        "RepeatedStratifiedKFold": lambda: RepeatedStratifiedKFold(**repeated).split(x, y),
        "GroupKFold": lambda: each_repeat(GroupKFold),
        "StratifiedGroupKFold": lambda: each_repeat(StratifiedGroupKFold),
        "ShuffleSplit": lambda: ShuffleSplit(n_splits=r, **sized).split(x),
        "StratifiedShuffleSplit": lambda: StratifiedShuffleSplit(n_splits=r, **sized).split(x, y),
        "LeaveOneGroupOut": lambda: LeaveOneGroupOut().split(x, y, groups),
        "PredefinedSplit": lambda: PredefinedSplit(np.array(case["predefined"], dtype=int)).split(),
        "KFold, in order": lambda: KFold(k).split(x),
        "StratifiedKFold, in order": lambda: StratifiedKFold(k).split(x, y),
        "GroupKFold, in order": lambda: GroupKFold(k).split(x, y, groups),
        "StratifiedGroupKFold, in order": lambda: StratifiedGroupKFold(k).split(x, y, groups),
        "train_test_split": lambda: [train_test_split(np.arange(len(y)), **sized)],
        "train_test_split, stratified": lambda: [train_test_split(np.arange(len(y)), stratify=y, **sized)],
    }


def digest(splits):
    found = hashlib.sha256()
    for indices in (side for split in splits for side in split):
        found.update(np.array([len(indices)], "<i4").tobytes())
        found.update(np.asarray(indices).astype("<i4").tobytes())
    return found.hexdigest()


print(json.dumps({"sklearn": sklearn.__version__, "numpy": np.__version__}), flush=True)
for line in sys.stdin:
    case = json.loads(line)
    split = answers(case).get(case["splitter"])
    if split is None:
        sys.exit(f"no oracle knows the splitter {case['splitter']}")
    try:
        print(json.dumps({"digest": digest(split())}), flush=True)
    except ValueError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
