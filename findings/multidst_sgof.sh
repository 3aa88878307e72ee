#!/usr/bin/env bash
# multidst 0.1.11: sgof_test, in multitest one of six corrections for many tests, is not the method that its README cites
# (SGoF, Carvajal-Rodriguez, de Una-Alvarez, Rolan-Alvarez 2009, BMC Bioinformatics 10:209). There, the number of p-values
# below alpha is lowered by one as long as a goodness-of-fit test finds it larger than chance allows, and as many p-values
# are significant as it was lowered by. The code calls as many significant as remain, the number that chance explains.
#   - Without any effect, SGoF controls the error: it finds something in at most a share alpha of cases, the code in nearly
#     all.
#   - With many effects, the code finds no more than with few.
#
# Seen (Python 3.11, 2026-12-01), for 100 tests, some with an effect of 3 standard errors, means of 200 cases:
#   0 effects, 4.8 below 0.05: sgof_test 4.8, SGoF 0.0; any in 0.99 and 0.02 of cases
#   10 effects, 13.1 below 0.05: sgof_test 9.0, SGoF 4.1
#   30 effects, 29.2 below 0.05: sgof_test 9.0, SGoF 20.2
#   100 effects, 85.1 below 0.05: sgof_test 9.0, SGoF 76.1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check multidst==0.1.11 numpy==2.4.6 scipy==1.17.1 \
    pandas==3.1.1 statsmodels==0.15.0 matplotlib==3.11.2
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import contextlib
import io

import numpy as np
from scipy import stats

with contextlib.redirect_stdout(io.StringIO()):  # the package prints examples
    from multidst.methods import sgof_test


def exact(p, alpha):
    below, lowered = np.sum(p <= alpha), 0
    while stats.binom.sf(below - 1, len(p), alpha) < alpha:
        below, lowered = below - 1, lowered + 1
    return lowered


stream = np.random.default_rng(0)
for effects in (0, 10, 30, 100):
    numbers = []
    for _ in range(200):
        z = stream.normal(size=100) + 3 * (np.arange(100) < effects)
        p = 2 * stats.norm.sf(np.abs(z))
        numbers.append((np.sum(p <= 0.05), len(sgof_test(p, 0.05)[1]), exact(p, 0.05)))
    (below, found, true), (_, some, truly) = np.mean(numbers, axis=0), np.mean(np.array(numbers) > 0, axis=0)
    print(f"{effects} effects, {below:.1f} below 0.05: sgof_test {found:.1f}, SGoF {true:.1f}", end="")
    print(f"; any in {some:.2f} and {truly:.2f} of cases" if effects == 0 else "")
PY
diff "$folder/seen" - <<'SEEN'
0 effects, 4.8 below 0.05: sgof_test 4.8, SGoF 0.0; any in 0.99 and 0.02 of cases
10 effects, 13.1 below 0.05: sgof_test 9.0, SGoF 4.1
30 effects, 29.2 below 0.05: sgof_test 9.0, SGoF 20.2
100 effects, 85.1 below 0.05: sgof_test 9.0, SGoF 76.1
SEEN
