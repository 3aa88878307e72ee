#!/usr/bin/env bash
# rliable 1.2.0 (arch 7.2.0): random_state, which by the docstrings "ensures reproducibility in uncertainty estimates", is
# not used. get_interval_estimates hands it to the bootstrap, whose update_indices draws runs (and tasks) from numpy's global
# generator. So intervals stated with a seed cannot be reproduced, and they depend on whatever else drew from or seeded the
# global generator, such as a training. np.random.seed makes them reproducible.
#
# Seen (Python 3.11, 2026-12-01), for the interval of the interquartile mean of 5 runs of 6 tasks from 200 draws:
#   random_state twice 1: equal intervals False
#   random_state 1 and 2, np.random.seed(0) before both: equal intervals True
#   numpy's global generator used: True, random_state used: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip --no-deps rliable==1.2.0  # it requires seaborn, which only its plots need
pip arch==7.2.0 absl-py==2.5.1 numpy==2.3.5 scipy==1.16.3 pandas==2.3.3 statsmodels==0.14.5
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import numpy as np
from rliable import library, metrics

scores = np.random.default_rng(0).normal(size=(5, 6))


def interval(state):
    def iqm(x):
        return np.array([metrics.aggregate_iqm(x)])

    return library.get_interval_estimates({"method": scores}, iqm, reps=200, random_state=state)[1]["method"]


first, second = (interval(np.random.RandomState(1)) for _ in range(2))
print("random_state twice 1: equal intervals", np.array_equal(first, second))
seeded = []
for seed in (1, 2):
    np.random.seed(0)
    seeded.append(interval(np.random.RandomState(seed)))
print("random_state 1 and 2, np.random.seed(0) before both: equal intervals", np.array_equal(*seeded))
state = np.random.RandomState(1)
np.random.seed(0)
interval(state)
drawn = [generator.get_state()[1:3] for generator in (np.random, state)]
fresh = [np.random.RandomState(seed).get_state()[1:3] for seed in (0, 1)]
used = [not (np.array_equal(a[0], b[0]) and a[1] == b[1]) for a, b in zip(drawn, fresh)]
print(f"numpy's global generator used: {used[0]}, random_state used: {used[1]}")
PY
diff "$folder/seen" - <<'SEEN'
random_state twice 1: equal intervals False
random_state 1 and 2, np.random.seed(0) before both: equal intervals True
numpy's global generator used: True, random_state used: False
SEEN
