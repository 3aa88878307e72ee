#!/usr/bin/env bash
# pyrankmcda 2.1.8: its table of consensus ranks, rows a1, a2, ... by columns of methods, mixes two kinds of columns:
#   - Those of Borda, Copeland, median rank, reciprocal rank fusion and Schulze list the alternatives by their places, the
#     inverse permutation of the ranks that Kemeny-Young, footrule and PageRank return. So rankings that all agree have two
#     different "consensus" ranks. borda_method alone also prints "a1 = 3" if a3 is first, whatever the rank of a1.
#     metrics, the distances between the methods, are those of these columns.
#   - borda_method moves alternatives with equal scores behind all others: with a tie of the two best, they come last.
#
# Seen (Python 3.11, 2026-12-01), for three rankings that all agree, and Borda for two whose best two are exchanged:
#   all agree on 2 3 1 4
#     Borda Method: 3 1 2 4
#     Copeland Method: 3 1 2 4
#     Fast Footrule Rank: 2 3 1 4
#     Fast Kemeny-Young: 2 3 1 4
#     Footrule Rank: 2 3 1 4
#     Kemeny-Young: 2 3 1 4
#     Median Rank: 3 1 2 4
#     Page Rank: 2 3 1 4
#     Plackett-Luce: 2 3 1 4
#     Reciprocal Rank Fusion: 3 1 2 4
#     Schulze Method: 3 1 2 4
#     printed by Borda: a1 = 3, a2 = 1, a3 = 2, a4 = 4
#   Borda, a1 and a2 first, in places: a3 a4 a2 a1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyrankmcda==2.1.8 numpy==2.4.6 scipy==1.17.1 \
    pandas==3.1.1 matplotlib==3.11.2 scikit-learn==1.9.1 seaborn==0.13.2 \
    networkx==3.6.1 adjustText==1.4.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import contextlib
import io

import numpy as np
from pyRankMCDA.algorithm import rank_aggregation

ranks = np.array([2, 3, 1, 4])  # of a1 to a4
table = rank_aggregation(np.stack([ranks] * 3, axis=1)).run_methods()
print("all agree on", *ranks)
for method in sorted(table.columns):
    print(f"  {method}:", *table[method])
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    rank_aggregation(np.stack([ranks] * 3, axis=1)).borda_method()
print("  printed by Borda:", ", ".join(printed.getvalue().split("\n")[1:5]))
np.random.seed(0)
scores = rank_aggregation(np.array([[1, 2], [2, 1], [3, 3], [4, 4]]))
print("Borda, a1 and a2 first, in places:", *(f"a{k}" for k in scores.borda_method(verbose=False)))
PY
diff "$folder/seen" - <<'SEEN'
all agree on 2 3 1 4
  Borda Method: 3 1 2 4
  Copeland Method: 3 1 2 4
  Fast Footrule Rank: 2 3 1 4
  Fast Kemeny-Young: 2 3 1 4
  Footrule Rank: 2 3 1 4
  Kemeny-Young: 2 3 1 4
  Median Rank: 3 1 2 4
  Page Rank: 2 3 1 4
  Plackett-Luce: 2 3 1 4
  Reciprocal Rank Fusion: 3 1 2 4
  Schulze Method: 3 1 2 4
  printed by Borda: a1 = 3, a2 = 1, a3 = 2, a4 = 4
Borda, a1 and a2 first, in places: a3 a4 a2 a1
SEEN
