"""The paper as data: its five tables, their metrics, and the 392 numbers it printed; and two tables of our own.

Source: Zhou, Liu, Du, "HGMVAE: hierarchical disentanglement in Gaussian mixture variational autoencoder",
The Visual Computer, 2024, doi 10.1007/s00371-024-03338-x. The numbers are in results/paper/tables.csv.
"""

import math
from dataclasses import dataclass

import pandas as pd

from benchmark.files import REPOSITORY

PAPER_FOLDER = REPOSITORY / "results" / "paper"


@dataclass(frozen=True)
class Metric:
    """One column of a table: its name in files, its heading, which direction is better, how it prints."""

    name: str
    label: str
    higher_is_better: bool
    decimals: int = 3


METRICS = {
    metric.name: metric
    for metric in (
        Metric("silhouette", "SC", higher_is_better=True),
        Metric("calinski_harabasz", "CH", higher_is_better=True, decimals=1),
        Metric("davies_bouldin", "DB", higher_is_better=False),
        Metric("svm_accuracy", "SVM accuracy", higher_is_better=True),
        Metric("fid", "FID", higher_is_better=False),
        Metric("ssim", "SSIM", higher_is_better=True),
        Metric("ms_ssim", "MS-SSIM", higher_is_better=True),
        Metric("lpips", "LPIPS", higher_is_better=False),
        *(
            Metric(f"{clusters}_{measure}", f"{label} {of}", higher_is_better=True)
            for clusters, of in (("weights", "of arg max w"), ("kmeans", "of k-means"), ("gmm", "of a GMM"))
            for measure, label in (("accuracy", "ACC"), ("nmi", "NMI"), ("ari", "ARI"))
        ),
        Metric("mig", "MIG", higher_is_better=True),
        Metric("dci_disentanglement", "DCI disentanglement", higher_is_better=True),
        Metric("dci_completeness", "DCI completeness", higher_is_better=True),
        Metric("dci_informativeness", "DCI informativeness", higher_is_better=True),
    )
}


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper, or of ours: which trials it needs and which protocol scores them."""

    number: int
    title: str
    protocol: str  # a name in benchmark.evaluation.protocols.PROTOCOLS, or benchmark.audit.trial.OWN_PROTOCOLS
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    latent_dims: tuple[int, ...]


_CLUSTERING = ("silhouette", "calinski_harabasz", "davies_bouldin")
_RECONSTRUCTION = ("fid", "ssim", "ms_ssim", "lpips")
_ALL_DIMS = (2, 4, 8, 16, 32, 64, 128)
_IMAGE_SETS = ("chairs", "celeba", "mnist", "fashion_mnist")
_EIGHT = ("vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf", "hgmvae_g", "hgmvae_u")
_ABLATION = ("gmvae", "hgmvae_g_no_fisher", "hgmvae_g", "hgmvae_u_no_fisher", "hgmvae_u")

TABLES = {
    table.number: table
    for table in (
        PaperTable(
            1,
            "Clustering of the test images",
            "clustering",
            _CLUSTERING,
            ("mnist",),
            ("gmvae", "hgmvae_g", "hgmvae_u"),
            _ALL_DIMS,
        ),
        PaperTable(
            2,
            "SVM accuracy on the latents",
            "classification",
            ("svm_accuracy",),
            ("cifar10", "mnist"),
            _EIGHT,
            (8,),
        ),
        PaperTable(3, "Reconstruction", "reconstruction", _RECONSTRUCTION, _IMAGE_SETS, _EIGHT, (128,)),
        PaperTable(
            4,
            "Clustering of the test images with and without the Fisher term",
            "clustering",
            _CLUSTERING,
            ("mnist",),
            _ABLATION,
            _ALL_DIMS,
        ),
        PaperTable(
            5,
            "Reconstruction with and without the Fisher term",
            "reconstruction",
            _RECONSTRUCTION,
            _IMAGE_SETS,
            _ABLATION,
            (128,),
        ),
    )
}

# What the paper's title promises and its tables never measure; scored from checkpoints, so no study trains for them.
OWN_TABLES = {
    table.number: table
    for table in (
        PaperTable(
            6,
            "Recovery of the classes by clusters found without labels",
            "recovery",
            tuple(name for name in METRICS if name.startswith(("weights_", "kmeans_", "gmm_"))),
            ("mnist", "fashion_mnist", "cifar10"),
            (*_EIGHT, "hgmvae_g_no_fisher", "hgmvae_u_no_fisher"),
            (8,),
        ),
        PaperTable(
            7,
            "Disentanglement of the known factors",
            "disentanglement",
            tuple(name for name in METRICS if name.startswith(("mig", "dci_"))),
            ("chairs",),
            (*_EIGHT, "hgmvae_g_no_fisher", "hgmvae_u_no_fisher"),
            (8,),
        ),
    )
}
ALL_TABLES = TABLES | OWN_TABLES

# Attainable values, both ends included. SSIM is a product of similarities of which one, a correlation, can be negative;
# the adjusted Rand index reaches -1/2 (Chacón and Rastrojo 2023); the other ranges follow from the definitions (MS-SSIM
# as it is computed, with negative terms cut off).
RANGES = {
    "silhouette": (-1.0, 1.0),
    "calinski_harabasz": (0.0, math.inf),
    "davies_bouldin": (0.0, math.inf),
    "svm_accuracy": (0.0, 1.0),
    "fid": (0.0, math.inf),
    "ssim": (-1.0, 1.0),
    "ms_ssim": (0.0, 1.0),
    "lpips": (0.0, math.inf),
    **{
        metric: (-0.5, 1.0) if metric.endswith("_ari") else (0.0, 1.0)
        for table in OWN_TABLES.values()
        for metric in table.metrics
    },
}

DATASET_LABELS = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "celeba": "CelebA",
    "chairs": "3D Chairs",
}


def paper_numbers() -> pd.DataFrame:
    """The paper's cells: table (int), dataset, metric, method (str), latent_dim (int), value (float)."""
    return pd.read_csv(PAPER_FOLDER / "tables.csv")
