#!/usr/bin/env bash
# saes 1.5.0: its tests of whether algorithms differ over data sets, rows of data sets by columns of algorithms, are wrong:
#   - friedman multiplies the sum of the squared mean ranks by the number n of data sets before it subtracts their expected
#     value. So the statistic is not 0 for equal ranks, but 3 (k + 1) n (n - 1) for k algorithms, and p is 0 for any scores.
#     The LaTeX tables of p-values print it.
#   - quade, with maximize=True, gives the data set with the smallest range of scores the largest weight, not the one with
#     the largest (Quade 1979). So the p-value changes if scores are negated and minimised, which is the same comparison.
#   - NemenyiCD, of the critical difference diagrams, takes the studentised range with n - 1 degrees of freedom. The paper
#     (Demsar 2006, section 3.2.2) has infinitely many, for ranks have a known variance, so the difference is too large.
#   - anova unpacks the table by rows, so it tests whether the data sets differ, not the algorithms.
#
# Seen (Python 3.11, 2026-12-01), for four algorithms without a difference, the exact value after a slash:
#   5 data sets, p:
#     friedman 0.00 / 0.11
#     quade 0.09, negated and minimised 0.11 / 0.11
#     anova 0.00 / 1.00
#     critical difference 3.32 / 2.10
#   10 data sets, p:
#     friedman 0.00 / 0.09
#     quade 0.02, negated and minimised 0.49 / 0.49
#     anova 0.00 / 1.00
#     critical difference 1.80 / 1.48
#   30 data sets, p:
#     friedman 0.00 / 0.50
#     quade 0.53, negated and minimised 0.71 / 0.71
#     anova 0.00 / 1.00
#     critical difference 0.91 / 0.86
#   friedman below 0.05: 1.00 / 0.05 of 1,000 comparisons
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because it also requires notebooks, which these functions do not need.
pip --no-deps saes==1.5.0
pip numpy==1.26.4 scipy==1.15.3 pandas==2.3.3 statsmodels==0.14.5
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
import pandas as pd
from SAES.statistical_tests.non_parametrical import NemenyiCD, friedman, quade
from SAES.statistical_tests.parametrical import anova
from scipy import stats


def found(table):
    return table.loc["p-value", "Results"]


def exact_quade(scores):
    n, k = scores.shape
    weights = stats.rankdata(np.ptp(scores, axis=1))
    s = weights[:, None] * (stats.rankdata(scores, axis=1) - (k + 1) / 2)
    between = np.square(s.sum(axis=0)).sum() / n
    return stats.f.sf((n - 1) * between / (np.square(s).sum() - between), k - 1, (n - 1) * (k - 1))


stream = np.random.default_rng(0)
for n in (5, 10, 30):
    scores = stream.normal(size=(n, 4)) + 10 * np.arange(n)[:, None]  # the data sets differ
    table = pd.DataFrame(scores, columns=list("abcd"))
    print(f"{n} data sets, p:")
    print(f"  friedman {found(friedman(table, True)):.2f} / {stats.friedmanchisquare(*scores.T).pvalue:.2f}")
    high, low = found(quade(table, maximize=True)), found(quade(-table, maximize=False))
    print(f"  quade {high:.2f}, negated and minimised {low:.2f} / {exact_quade(scores):.2f}")
    print(f"  anova {found(anova(table)):.2f} / {stats.f_oneway(*scores.T).pvalue:.2f}")
    exact = stats.studentized_range.ppf(0.95, 4, np.inf) * np.sqrt(4 * 5 / (12 * n))
    print(f"  critical difference {NemenyiCD(0.05, 4, n):.2f} / {exact:.2f}")
p = []
for _ in range(1_000):
    scores = stream.normal(size=(30, 4))
    p.append((found(friedman(scores, True)), stats.friedmanchisquare(*scores.T).pvalue))
    assert abs(exact_quade(scores) - exact_quade(-scores)) < 1e-9
rates = np.mean(np.array(p) < 0.05, axis=0)
print(f"friedman below 0.05: {rates[0]:.2f} / {rates[1]:.2f} of 1,000 comparisons")
PY
diff "$folder/seen" - <<'SEEN'
5 data sets, p:
  friedman 0.00 / 0.11
  quade 0.09, negated and minimised 0.11 / 0.11
  anova 0.00 / 1.00
  critical difference 3.32 / 2.10
10 data sets, p:
  friedman 0.00 / 0.09
  quade 0.02, negated and minimised 0.49 / 0.49
  anova 0.00 / 1.00
  critical difference 1.80 / 1.48
30 data sets, p:
  friedman 0.00 / 0.50
  quade 0.53, negated and minimised 0.71 / 0.71
  anova 0.00 / 1.00
  critical difference 0.91 / 0.86
friedman below 0.05: 1.00 / 0.05 of 1,000 comparisons
SEEN
