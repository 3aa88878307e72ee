"""The largest difference that counts as none between two results, per metric, and the weight of a cell."""

from benchmark.statistics import Tolerance
from benchmark.verdict.spreads import SPREADS, spread

# About the standard deviation of a score over seeds: the median over the cells of results/reference/laptop-cpu, with
# which a test compares them. For SSIM between 0.0147, the value there, and 0.0122, that of a run on another processor;
# for FID and LPIPS, which were not measured there, by analogy.
RESULT_TOLERANCES = {
    "silhouette": Tolerance(0.02),
    "calinski_harabasz": Tolerance(0.08, relative=True),
    "davies_bouldin": Tolerance(0.12, relative=True),
    "svm_accuracy": Tolerance(0.0065),
    "fid": Tolerance(0.05, relative=True),
    "ssim": Tolerance(0.0135),
    "ms_ssim": Tolerance(0.005),
    "lpips": Tolerance(0.01),
}
OTHER_METRIC = Tolerance(0.02, relative=True)


def cell_weight(metric: str, latent_dim: int) -> float:
    """Return the weight of a cell in its method's mean: the reciprocal of its spread over seeds, in RESULT_TOLERANCES.

    The spread is the same as for the contests of claims (`SPREADS`, measured on reduced studies); a larger latent dim
    than the largest measured one uses that one's. The weight is fixed before a comparison, whatever tolerances are
    given: weights estimated from the compared seeds would favour cells that vary little by chance, so that the mean
    would seem more certain than it is. A metric without a spread has weight 1.
    """
    if metric not in SPREADS:
        return 1.0
    return RESULT_TOLERANCES[metric].amount / spread(metric, min(latent_dim, max(SPREADS[metric])))
