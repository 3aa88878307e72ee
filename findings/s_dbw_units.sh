#!/usr/bin/env bash
# s-dbw 0.4.0: S_Dbw with method="Halkidi", the "original paper" by its docstring, depends on the units of the codes. In it
# (Halkidi and Vazirgiannis 2001) sigma is the vector of variances, so the radius within which points count towards a
# density, the root of the summed norms of sigma over the number of clusters, is a length, and the index does not change with
# scale; R's package clv documents the same. Here sigma holds standard deviations. The radius is then the root of a length:
# with small codes it contains all points of two clusters, with large ones hardly any, and good clusters of one encoder rank
# behind worse ones of another. The scattering, the index's other term, is too large as well, at all scales.
#
# Seen (Python 3.11, 2026-12-01), lower is better:
#   far clusters, scale 0.01: 2.28, formula 0.12
#   far clusters, scale 0.1: 0.47, formula 0.12
#   far clusters, scale 1: 0.34, formula 0.12
#   far clusters, scale 10: 0.32, formula 0.12
#   near clusters, scale 0.01: 2.44, formula 0.45
#   near clusters, scale 0.1: 1.08, formula 0.45
#   near clusters, scale 1: 0.70, formula 0.45
#   near clusters, scale 10: 0.94, formula 0.45
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check s-dbw==0.4.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from s_dbw import S_Dbw


def formula(codes, clusters):
    members = [codes[clusters == k] for k in np.unique(clusters)]
    spreads = [np.linalg.norm(part.var(axis=0)) for part in members]
    radius = np.sqrt(sum(spreads)) / len(members)

    def density(place, *parts):
        return sum((np.linalg.norm(part - place, axis=1) <= radius).sum() for part in parts)

    means = [part.mean(axis=0) for part in members]
    own = [density(mean, part) for mean, part in zip(means, members)]
    pairs = [(i, j) for i in range(len(means)) for j in range(len(means)) if i != j]
    between = [
        density((means[i] + means[j]) / 2, members[i], members[j]) / max(own[i], own[j]) for i, j in pairs
    ]
    return np.mean(spreads) / np.linalg.norm(codes.var(axis=0)) + np.mean(between)


stream = np.random.default_rng(0)
clusters = np.arange(1200) % 4
for name, distance in (("far", 6), ("near", 4)):
    codes = stream.normal(size=(1200, 2)) + distance * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[clusters]
    for scale in (0.01, 0.1, 1, 10):
        index = S_Dbw(scale * codes, clusters, method="Halkidi", nearest_centr=False)
        print(f"{name} clusters, scale {scale}: {index:.2f}, formula {formula(scale * codes, clusters):.2f}")
PY
diff "$folder/seen" - <<'SEEN'
far clusters, scale 0.01: 2.28, formula 0.12
far clusters, scale 0.1: 0.47, formula 0.12
far clusters, scale 1: 0.34, formula 0.12
far clusters, scale 10: 0.32, formula 0.12
near clusters, scale 0.01: 2.44, formula 0.45
near clusters, scale 0.1: 1.08, formula 0.45
near clusters, scale 1: 0.70, formula 0.45
near clusters, scale 10: 0.94, formula 0.45
SEEN
