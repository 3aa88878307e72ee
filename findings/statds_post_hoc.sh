#!/usr/bin/env bash
# statds 1.1.7: the corrections for several comparisons after a Friedman test report wrong p-values and decisions:
#   - holm, holland and finner can give the adjusted p-value of one comparison to another. While they take the running
#     maximum of the sorted p-values, they keep the position of the p-value that was largest, not of the one adjusted, and
#     sort by these positions.
#   - The adjusted alphas of holland and finner, for the i-th smallest of m p-values 1 - (1 - alpha)^(1 / (m - i + 1)) and
#     1 - (1 - alpha)^(i / m), have the inverse exponents: with m = 3 the smallest p-value is compared with 0.14. They decide
#     what is rejected, so that more is than without any correction. All are said to control the family-wise error.
#   - hochberg's adjusted p-values are the running maxima of (m - i + 1) p in place of the minima from the largest p on.
#
# Seen (Python 3.11, 2026-12-01), for comparisons with a control, first on 10 data sets, then on 20 without any difference:
#   p of a to b, c and d: 0.015 0.194 0.012
#     holm: 0.194 0.036 0.036, exact 0.036 0.194 0.036
#     holland: 0.194 0.036 0.036, exact 0.036 0.194 0.036
#     finner: 0.194 0.036 0.036, exact 0.036 0.194 0.036
#     hochberg: 0.194 0.194 0.194, exact 0.031 0.194 0.031
#   any rejected, uncorrected: 0.06
#   any rejected, holm: 0.04, exact 0.04
#   any rejected, holland: 0.46, exact 0.04
#   any rejected, finner: 0.46, exact 0.04
#   any rejected, hochberg: 0.04, exact 0.04
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check statds==1.1.7 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 \
    statsmodels==0.15.0 matplotlib==3.11.2
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import matplotlib
import numpy as np
from scipy.stats import rankdata
from statsmodels.stats.multitest import multipletests

matplotlib.use("agg")
from matplotlib import pyplot
from statds import no_parametrics


def exact(name, p):
    if name == "finner":
        order, m = np.argsort(p), len(p)
        adjusted = np.maximum.accumulate(1 - (1 - np.sort(p)) ** (m / np.arange(1, m + 1)))
        return adjusted[np.argsort(order)]
    with np.errstate(divide="ignore"):
        return multipletests(p, method={"holland": "holm-sidak", "hochberg": "simes-hochberg"}.get(name, name))[1]


def compare(name, ranks, datasets):
    table, _ = getattr(no_parametrics, name)(ranks, datasets, alpha=0.05, control="a")
    pyplot.close("all")
    return table


def text(values):
    return " ".join(f"{value:.3f}" for value in values)


names = ("holm", "holland", "finner", "hochberg")
ranks = {"a": 1.6, "b": 3.0, "c": 2.35, "d": 3.05}
print("p of a to b, c and d:", text(compare("holm", ranks, 10)["p-value"]))
for name in names:
    table = compare(name, ranks, 10)
    print(f"  {name}: {text(table['Adjusted p-value'])}, exact {text(exact(name, table['p-value']))}")
stream = np.random.default_rng(0)
rejected = {name: [] for name in ("uncorrected", *names)}
for _ in range(50):
    ranks = dict(zip("abcd", rankdata(stream.normal(size=(20, 4)), axis=1).mean(axis=0).tolist()))
    for name in names:
        table = compare(name, ranks, 20)
        p = table["p-value"].to_numpy()
        rejected[name].append(((table["Results"] == "Reject H0").any(), exact(name, p).min() <= 0.05))
    rejected["uncorrected"].append((p.min() <= 0.05,))
for name, any_rejected in rejected.items():
    rates = np.mean(any_rejected, axis=0)
    print(f"any rejected, {name}: {rates[0]:.2f}" + (f", exact {rates[1]:.2f}" if len(rates) > 1 else ""))
PY
diff "$folder/seen" - <<'SEEN'
p of a to b, c and d: 0.015 0.194 0.012
  holm: 0.194 0.036 0.036, exact 0.036 0.194 0.036
  holland: 0.194 0.036 0.036, exact 0.036 0.194 0.036
  finner: 0.194 0.036 0.036, exact 0.036 0.194 0.036
  hochberg: 0.194 0.194 0.194, exact 0.031 0.194 0.031
any rejected, uncorrected: 0.06
any rejected, holm: 0.04, exact 0.04
any rejected, holland: 0.46, exact 0.04
any rejected, finner: 0.46, exact 0.04
any rejected, hochberg: 0.04, exact 0.04
SEEN
