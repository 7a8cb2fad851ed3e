"""Measures the cost of a no-op task in joblib and in Ray Tune. Prints one JSON object to standard output.

Only what is installed is measured: python3 -m pip install joblib 'ray[tune]'
"""

import json
import os
import time

JOBS = 1000
TRIALS = 100
answers = {}

try:
    from joblib import Parallel, delayed
except ImportError:
    pass
else:

    def nothing(i):
        return i

    for workers in (4, 16):  # with one worker, joblib starts no separate process
        with Parallel(n_jobs=workers, backend="loky", batch_size=1) as parallel:
            parallel(delayed(nothing)(i) for i in range(2 * workers))
            start = time.perf_counter()
            parallel(delayed(nothing)(i) for i in range(JOBS))
            answers[f"joblib {workers}"] = JOBS / (time.perf_counter() - start)

try:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    from ray import tune
except ImportError:
    pass
else:
    ray.init(num_cpus=4, include_dashboard=False, logging_level="ERROR", log_to_driver=False)

    def trial(config):
        tune.report({"accuracy": 0.5})

    start = time.perf_counter()
    tune.Tuner(
        trial,
        param_space={"fold": tune.grid_search(list(range(TRIALS)))},
        run_config=tune.RunConfig(verbose=0),
    ).fit()
    answers["Ray Tune 4"] = TRIALS / (time.perf_counter() - start)
    ray.shutdown()

print(json.dumps(answers))
