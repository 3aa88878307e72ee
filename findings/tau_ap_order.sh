#!/usr/bin/env bash
# tau-ap 0.1.0: the coefficient depends on the order in which the items are listed, which no rank correlation does. In the
# paper it cites (Yilmaz, Aslam, Robertson 2008) the item at rank i of the one ranking is compared with the i - 1 items
# above it, and the mean of the shares in the same order is scaled to -1 to 1, so that errors near the top count more. The
# function sorts neither of its two lists of ranks: it compares the i-th item of the lists with those before it in the lists,
# wherever they are ranked. So for methods listed from the worst to the best, errors near the bottom count more, and for
# methods listed by name, it is a matter of their names. Neither the docstring nor the README asks for sorted lists; if they
# are sorted by the one ranking, the value is right.
#
# Seen (Python 3.11, 2026-12-01), for the ranks of six methods by two metrics:
#   first and second exchanged
#     from the best: 0.60, by name: 0.90, from the worst: 0.92; definition 0.60
#   fifth and last exchanged
#     from the best: 0.92, by name: 0.87, from the worst: 0.60; definition 0.92
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tau-ap==0.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
from tau_ap import tau_ap

ranks = {"deep": 3, "flat": 5, "full": 1, "mean": 6, "pair": 2, "wide": 4}  # by the first metric


def definition(first, second):
    names = sorted(first, key=first.get)
    shares = [sum(second[above] < second[names[i]] for above in names[:i]) / i for i in range(1, len(names))]
    return 2 * sum(shares) / len(shares) - 1


for text, (a, b) in (("first and second", ("full", "pair")), ("fifth and last", ("flat", "mean"))):
    other = {**ranks, a: ranks[b], b: ranks[a]}  # by the second metric
    best = sorted(ranks, key=ranks.get)
    orders = {"from the best": best, "by name": sorted(ranks), "from the worst": best[::-1]}
    found = {
        order: tau_ap([ranks[name] for name in names], [other[name] for name in names]) for order, names in orders.items()
    }
    print(f"{text} exchanged")
    values = ", ".join(f"{order}: {value:.2f}" for order, value in found.items())
    print(f"  {values}; definition {definition(ranks, other):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
first and second exchanged
  from the best: 0.60, by name: 0.90, from the worst: 0.92; definition 0.60
fifth and last exchanged
  from the best: 0.92, by name: 0.87, from the worst: 0.60; definition 0.92
SEEN
