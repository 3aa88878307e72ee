#!/usr/bin/env bash
# gmr 2.0.3: three functions of its Gaussian mixtures are not what their docstrings say:
#   - a density is divided by the root of the covariance's determinant, but at least by 2.2e-16. With 16 units that begins
#     at a standard deviation of 0.1, with 64 at 0.57. Below, all components of a mixture get the same factor, so that the
#     widest takes the codes of the others, in responsibilities and in the EM algorithm;
#   - is_in_confidence_region takes the chi-squared distribution with one degree of freedom less than there are units, where
#     the squared Mahalanobis distance has as many as units. With one unit it takes the variance as standard deviation.
#     sample_confidence_region uses it;
#   - init_params="kmeans++", by its docstring with a chance "proportional to the squared distance to the closest center",
#     takes the distance to the farthest, so from the third centre on it often puts two into one cluster.
#
# Seen (Python 3.11, 2026-12-01):
#   16 units, standard deviation 1.0: log density at the mean -14.7, scipy -14.7
#   16 units, standard deviation 0.1: log density at the mean 21.3, scipy 22.1
#   16 units, standard deviation 0.05: log density at the mean 21.3, scipy 33.2
#   16 units, standard deviation 0.02: log density at the mean 21.3, scipy 47.9
#   component of standard deviation 0.1: has 1.00 of its codes, by Bayes' rule 0.97
#   component of standard deviation 0.05: has 0.00 of its codes, by Bayes' rule 0.99
#   1 units, standard deviation 1.0: the region of 0.6827 holds 0.68
#   1 units, standard deviation 0.1: the region of 0.6827 holds 0.08
#   2 units, standard deviation 1.0: the region of 0.6827 holds 0.41
#   10 units, standard deviation 1.0: the region of 0.6827 holds 0.59
#   starts with one centre in each of three clusters: gmr 0.35
#   starts with one centre in each of three clusters: scikit-learn 1.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    gmr==2.0.3 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import numpy as np
from gmr import GMM, MVN
from gmr.gmm import kmeansplusplus_initialization
from scipy.stats import multivariate_normal
from sklearn.cluster import kmeans_plusplus

stream = np.random.default_rng(0)
for deviation in (1.0, 0.1, 0.05, 0.02):
    mean, covariance = np.zeros(16), deviation**2 * np.eye(16)
    value = np.log(MVN(mean, covariance).to_probability_density(mean)[0])
    exact = multivariate_normal(mean, covariance).logpdf(mean)
    print(f"16 units, standard deviation {deviation}: log density at the mean {value:.1f}, scipy {exact:.1f}")
deviations = np.array([0.1, 0.05])
covariances = deviations[:, None, None] ** 2 * np.eye(16)
own = np.arange(1000) % 2
codes = deviations[own, None] * stream.normal(size=(1000, 16))
taken = GMM(2, [0.5, 0.5], np.zeros((2, 16)), covariances).to_responsibilities(codes).argmax(axis=1)
exact = np.argmax([multivariate_normal(np.zeros(16), each).logpdf(codes) for each in covariances], axis=0)
for k in range(2):
    share, best = (np.mean(choice[own == k] == k) for choice in (taken, exact))
    print(f"component of standard deviation {deviations[k]}: has {share:.2f} of its codes, by Bayes' rule {best:.2f}")
for units, deviation in ((1, 1.0), (1, 0.1), (2, 1.0), (10, 1.0)):
    gaussian = MVN(np.zeros(units), deviation**2 * np.eye(units))
    codes = deviation * stream.normal(size=(2000, units))
    inside = np.mean([gaussian.is_in_confidence_region(code, 0.6827) for code in codes])
    print(f"{units} units, standard deviation {deviation}: the region of 0.6827 holds {inside:.2f}")
clusters = 10 * (np.arange(300) % 3)
codes = clusters[:, None] + 0.1 * stream.normal(size=(300, 1))
starts = {
    "gmr": lambda seed: kmeansplusplus_initialization(codes, 3, seed),
    "scikit-learn": lambda seed: kmeans_plusplus(codes, 3, random_state=seed, n_local_trials=1)[0],
}
for name, start in starts.items():
    share = np.mean([len(np.unique(start(seed).round(-1))) == 3 for seed in range(500)])
    print(f"starts with one centre in each of three clusters: {name} {share:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
16 units, standard deviation 1.0: log density at the mean -14.7, scipy -14.7
16 units, standard deviation 0.1: log density at the mean 21.3, scipy 22.1
16 units, standard deviation 0.05: log density at the mean 21.3, scipy 33.2
16 units, standard deviation 0.02: log density at the mean 21.3, scipy 47.9
component of standard deviation 0.1: has 1.00 of its codes, by Bayes' rule 0.97
component of standard deviation 0.05: has 0.00 of its codes, by Bayes' rule 0.99
1 units, standard deviation 1.0: the region of 0.6827 holds 0.68
1 units, standard deviation 0.1: the region of 0.6827 holds 0.08
2 units, standard deviation 1.0: the region of 0.6827 holds 0.41
10 units, standard deviation 1.0: the region of 0.6827 holds 0.59
starts with one centre in each of three clusters: gmr 0.35
starts with one centre in each of three clusters: scikit-learn 1.00
SEEN
