"""Standard deviations of scores over seeds, which weight the contests of claims and scale simulations.

They are pooled over methods and were measured on the reduced studies of results/reference: clustering and
classification on `laptop-ten-seeds` (ten seeds), reconstruction on `laptop-calibrated` (three seeds, three data sets).
A test compares them with the records. Relative ones are of natural logarithms. FID and LPIPS were not measured: one
margin is assumed. Trials of the paper's size may vary less or more.
"""

from collections.abc import Mapping

# By metric, then by the largest latent dim to which the value applies.
SPREADS: Mapping[str, Mapping[int, float]] = {
    "silhouette": {2: 0.044, 16: 0.017, 128: 0.029},
    "calinski_harabasz": {2: 0.363, 16: 0.080, 128: 0.130},
    "davies_bouldin": {2: 0.353, 16: 0.133, 128: 0.233},
    "svm_accuracy": {8: 0.0053},
    "fid": {128: 0.05},
    "ssim": {128: 0.017},
    "ms_ssim": {128: 0.0075},
    "lpips": {128: 0.005},
}


def spread(metric: str, latent_dim: int) -> float:
    """Return the standard deviation of a metric over seeds; of its logarithm if its margin is relative."""
    return next(size for largest, size in SPREADS[metric].items() if latent_dim <= largest)
