#!/usr/bin/env bash
# autorank 1.3.0: for three or more methods with normal scores, create_report calls differences significant that Tukey's test
# does not. Its intervals of the means are those of statsmodels' plot_simultaneous, made so that two means differ
# significantly if their intervals do not overlap, as the report itself says: if they are further apart than the sum of two
# half widths. The report takes one half width as the critical difference, so it needs half of Tukey's honest significant
# difference. Nor is alpha passed on, although the documentation has intervals "such that the family wise significance is
# alpha": they are always those of 0.05, and so are the report's groups.
#
# Seen (Python 3.11, 2026-12-01), for 20 scores of each of four methods; the same ones are significant by scipy's tukey_hsd
# as by intervals that do not overlap:
#   alpha 0.05: half width 0.40, exact 0.40
#     Tukey: a-c, a-d, b-d
#     report: all differences between the populations are significant
#   alpha 0.0001: half width 0.40, exact 0.70
#     Tukey: a-c, a-d
#     report: all differences between the populations are significant
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check autorank==1.3.0 baycomp==1.0.3 statsmodels==0.15.0 \
    numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$folder/venv/bin/python" - 2>"$folder/log" <<'PY' | tee "$folder/seen" || { cat "$folder/log"; exit 1; }
import contextlib
import io
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
from scipy import stats

matplotlib.use("agg")
from autorank import autorank, create_report

stream = np.random.default_rng(0)
scores = pd.DataFrame({name: mean + stream.normal(size=20) for name, mean in zip("abcd", (0, 0.5, 1, 1.6))})
p = stats.tukey_hsd(*(scores[name] for name in scores)).pvalue
error = np.sqrt(scores.var().mean() / len(scores))
for alpha in (0.05, 0.0001):
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        ranked = autorank(scores, alpha=alpha)
        create_report(ranked)
    assert (ranked.omnibus, ranked.posthoc) == ("anova", "tukeyhsd")
    half = (ranked.rankdf.ci_upper - ranked.rankdf.ci_lower).iloc[0] / 2
    exact = stats.studentized_range.ppf(1 - alpha, 4, 4 * 19) * error / 2
    print(f"alpha {alpha}: half width {half:.2f}, exact {exact:.2f}")
    different = [f"{scores.columns[i]}-{scores.columns[j]}" for i, j in combinations(range(4), 2) if p[i, j] < alpha]
    apart = [f"{a}-{b}" for a, b in combinations("abcd", 2) if abs(scores[a].mean() - scores[b].mean()) > 2 * exact]
    assert different == apart
    print("  Tukey:", ", ".join(different))
    sentence = report.getvalue().split("Based on post-hoc Tukey HSD test, we assume that ")[1]
    print("  report:", sentence.split(".")[0])
PY
diff "$folder/seen" - <<'SEEN'
alpha 0.05: half width 0.40, exact 0.40
  Tukey: a-c, a-d, b-d
  report: all differences between the populations are significant
alpha 0.0001: half width 0.40, exact 0.70
  Tukey: a-c, a-d
  report: all differences between the populations are significant
SEEN
