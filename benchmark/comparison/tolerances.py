"""What counts as no difference between two results in each metric, and what a cell weighs in its method's mean."""

from benchmark.statistics import Tolerance
from benchmark.verdict.spreads import SPREADS, spread

# About the standard deviation of a score over seeds: the median over the cells of results/reference/laptop-cpu, which a
# test compares them with; for SSIM between its 0.0147 there and the 0.0122 of a run on another processor; for FID and
# LPIPS, which were not measured there, by analogy.
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
    """Return what a cell counts in its method's mean: one over its spread from seed to seed, in RESULT_TOLERANCES.

    The spread is the one that the contests of claims have (`SPREADS`: of reduced studies, where it was measured), and
    of its largest latent dim where this one is larger. The weight is fixed before a comparison is made, whatever
    tolerances are given for it: weights from the seeds that are compared favour cells that seem to vary little by
    chance, so that the mean seems more certain than it is. Another metric weighs 1.
    """
    if metric not in SPREADS:
        return 1.0
    return RESULT_TOLERANCES[metric].amount / spread(metric, min(latent_dim, max(SPREADS[metric])))
