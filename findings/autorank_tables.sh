#!/usr/bin/env bash
# autorank 1.3.0: two columns of its table are not what the documentation says.
#   - The interval of a median, ci_lower to ci_upper, is too wide. It goes from the score of rank n / 2 - z sqrt(n / 2) to
#     that of rank 1 + n / 2 + z sqrt(n / 2), where the binomial distribution of the scores below the median, of standard
#     deviation sqrt(n) / 2, requires z sqrt(n) / 2 (Campbell and Gardner 1988). As the ranks start at 1, but are used as
#     indices from 0, it is also shifted upwards by one score.
#   - With the default order="descending", the methods are sorted from the worst to the best, and effect_size compares with
#     the worst, by the documentation with "the highest mean value" or "the highest ranking approach". The README's table
#     begins with the best, and so do those with order="ascending" or approach="bayesian".
#
# Seen (Python 3.11, 2026-12-01), with the coverage of an interval between two ranks from the binomial distribution:
#   n = 20: ranks 5 to 18, coverage 0.994; formula ranks 6 to 15, coverage 0.959
#   n = 50: ranks 16 to 37, coverage 0.996; formula ranks 18 to 33, coverage 0.967
#   n = 100: ranks 37 to 66, coverage 0.996; formula ranks 40 to 61, coverage 0.965
#   Cohen's d to the best: best 0.0, middle 1.5, worst 2.1
#   default: worst 0.0, middle 0.7, best 2.1
#   ascending: best 0.0, middle 1.5, worst 2.1
#   bayesian: best 0.0, middle 1.5, worst 2.1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check autorank==1.3.0 baycomp==1.0.3 statsmodels==0.15.0 \
    numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import contextlib
import io

import numpy as np
import pandas as pd
from autorank import autorank
from scipy import stats


def table(scores, **settings):
    with contextlib.redirect_stdout(io.StringIO()):
        return autorank(scores, **settings).rankdf


stream = np.random.default_rng(0)
for n in (20, 50, 100):
    values = np.arange(1.0, n + 1) ** 5  # the rank of a score is the fifth root of it
    scores = pd.DataFrame({"a": values, "b": stream.permutation(values)})
    # Two intervals with alpha / 2 each.
    found = table(scores, alpha=0.1).loc["a", ["ci_lower", "ci_upper"]].astype(float) ** 0.2
    half = stats.norm.ppf(0.975) * np.sqrt(n) / 2
    exact = round(n / 2 - half), round(1 + n / 2 + half)
    texts = []
    for low, high in (found.round().astype(int), exact):
        cover = stats.binom.cdf(high - 1, n, 0.5) - stats.binom.cdf(low - 1, n, 0.5)
        texts.append(f"ranks {low} to {high}, coverage {cover:.3f}")
    print(f"n = {n}: {texts[0]}; formula {texts[1]}")
scores = pd.DataFrame({name: mean + stream.normal(size=20) for name, mean in zip(("worst", "middle", "best"), range(3))})
d = (scores.mean().max() - scores.mean()) / np.sqrt((scores.var() + scores.best.var()) / 2)
print("Cohen's d to the best:", ", ".join(f"{name} {d[name]:.1f}" for name in ("best", "middle", "worst")))
for name, part, settings in (
    ("default", scores, {}),
    ("ascending", -scores, {"order": "ascending"}),
    ("bayesian", scores, {"approach": "bayesian", "nsamples": 100, "random_state": 0}),
):
    sizes = table(part, **settings).effect_size.astype(float)
    print(f"{name}:", ", ".join(f"{row} {size:.1f}" for row, size in sizes.abs().items()))
PY
diff "$folder/seen" - <<'SEEN'
n = 20: ranks 5 to 18, coverage 0.994; formula ranks 6 to 15, coverage 0.959
n = 50: ranks 16 to 37, coverage 0.996; formula ranks 18 to 33, coverage 0.967
n = 100: ranks 37 to 66, coverage 0.996; formula ranks 40 to 61, coverage 0.965
Cohen's d to the best: best 0.0, middle 1.5, worst 2.1
default: worst 0.0, middle 0.7, best 2.1
ascending: best 0.0, middle 1.5, worst 2.1
bayesian: best 0.0, middle 1.5, worst 2.1
SEEN
