"""The paper as printed: its five tables, their metrics, and the 392 numbers.

The suite's metrics and tables may grow (benchmark.metrics, benchmark.table_specs). The paper's claims, errata and
verdicts use only this module, which is therefore never extended.

Source: Zhou, Liu, Du, "HGMVAE: hierarchical disentanglement in Gaussian mixture variational autoencoder",
The Visual Computer, 2024, doi 10.1007/s00371-024-03338-x. The numbers are in results/paper/tables.csv.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from benchmark.files import REPOSITORY

if TYPE_CHECKING:
    import pandas as pd

PAPER_FOLDER = REPOSITORY / "results" / "paper"
PRINTED_DECIMALS = 3  # of every number; tables.csv omits trailing zeros
HALF_A_UNIT = 0.5 * 10**-PRINTED_DECIMALS  # the maximal rounding error of a printed number


@dataclass(frozen=True)
class Metric:
    """A score.

    Attributes:
        name: Name in files and code.
        label: Label in the headings of tables and figures.
        higher_is_better: Whether larger values are better.
        range: The smallest and the largest attainable value, inclusive.
        decimals: Number of decimals in tables.
    """

    name: str
    label: str
    higher_is_better: bool
    range: tuple[float, float]
    decimals: int = 3

    @property
    def sign(self) -> int:
        """The better direction: 1 if higher is better, else -1."""
        return 1 if self.higher_is_better else -1

    def admits(self, value: float, rounding: float = 1e-5) -> bool:
        """Return whether a value lies in the range, to rounding: SSIM of equal images may be 1 + 1e-7."""
        low, high = self.range
        return low - rounding <= value <= high + rounding

    @property
    def range_text(self) -> str:
        """The range in words."""
        low, high = self.range
        return f"from {low:g} to {high:g}" if high < math.inf else f"from {low:g} on"


# SSIM is a product of similarities of which one, a correlation, can be negative; in MS-SSIM as computed here negative
# terms are set to 0.
PRINTED_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("silhouette", "SC", True, (-1.0, 1.0)),
            Metric("calinski_harabasz", "CH", True, (0.0, math.inf), decimals=1),
            Metric("davies_bouldin", "DB", False, (0.0, math.inf)),
            Metric("svm_accuracy", "SVM accuracy", True, (0.0, 1.0)),
            Metric("fid", "FID", False, (0.0, math.inf)),
            Metric("ssim", "SSIM", True, (-1.0, 1.0)),
            Metric("ms_ssim", "MS-SSIM", True, (0.0, 1.0)),
            Metric("lpips", "LPIPS", False, (0.0, math.inf)),
        )
    }
)


@dataclass(frozen=True)
class PrintedTable:
    """One of the paper's tables, which has a number for every data set, metric, method and latent dim."""

    number: int
    title: str
    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    latent_dims: tuple[int, ...]


_CLUSTERING = ("silhouette", "calinski_harabasz", "davies_bouldin")
_RECONSTRUCTION = ("fid", "ssim", "ms_ssim", "lpips")
_ALL_DIMS = (2, 4, 8, 16, 32, 64, 128)
_IMAGE_SETS = ("chairs", "celeba", "mnist", "fashion_mnist")
_EIGHT = ("vae", "beta_vae", "gmvae", "swae", "wae_imq", "wae_rbf", "hgmvae_g", "hgmvae_u")
_THREE = ("gmvae", "hgmvae_g", "hgmvae_u")
_ABLATION = ("gmvae", "hgmvae_g_no_fisher", "hgmvae_g", "hgmvae_u_no_fisher", "hgmvae_u")

PRINTED_TABLES: Mapping[int, PrintedTable] = MappingProxyType(
    {
        table.number: table
        for table in (
            PrintedTable(1, "Clustering of the test images", _CLUSTERING, ("mnist",), _THREE, _ALL_DIMS),
            PrintedTable(2, "SVM accuracy on the latents", ("svm_accuracy",), ("cifar10", "mnist"), _EIGHT, (8,)),
            PrintedTable(3, "Reconstruction", _RECONSTRUCTION, _IMAGE_SETS, _EIGHT, (128,)),
            PrintedTable(
                4,
                "Clustering of the test images with and without the Fisher term",
                _CLUSTERING,
                ("mnist",),
                _ABLATION,
                _ALL_DIMS,
            ),
            PrintedTable(
                5,
                "Reconstruction with and without the Fisher term",
                _RECONSTRUCTION,
                _IMAGE_SETS,
                _ABLATION,
                (128,),
            ),
        )
    }
)

DATASET_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "mnist": "MNIST",
        "fashion_mnist": "Fashion-MNIST",
        "cifar10": "CIFAR-10",
        "celeba": "CelebA",
        "chairs": "3D Chairs",
    }
)


class ScorePlace(NamedTuple):
    """The place of a score, which identifies it across tables."""

    dataset: str
    metric: str
    method: str
    latent_dim: int


@dataclass(frozen=True)
class PrintedCell:
    """One printed number and its place; the fields are the columns of results/paper/tables.csv."""

    table: int
    dataset: str
    metric: str
    method: str
    latent_dim: int
    value: float

    @property
    def place(self) -> ScorePlace:
        """Its place without the table."""
        return ScorePlace(self.dataset, self.metric, self.method, self.latent_dim)

    @property
    def name(self) -> str:
        """An identifier, such as 'table1/mnist/davies_bouldin/gmvae/16'."""
        return f"table{self.table}/{'/'.join(str(part) for part in self.place)}"


COLUMNS = tuple(field.name for field in fields(PrintedCell))
PLACE = [*ScorePlace._fields]  # the columns of a place, here and in frames of scores
SEEDS_OF_THE_PAPER = 10  # number of repeats behind every printed mean


@cache
def printed_numbers() -> tuple[PrintedCell, ...]:
    """Read the paper's 392 numbers in the order of results/paper/tables.csv."""
    with (PAPER_FOLDER / "tables.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            PrintedCell(
                int(row["table"]),
                row["dataset"],
                row["metric"],
                row["method"],
                int(row["latent_dim"]),
                float(row["value"]),
            )
            for row in csv.DictReader(file)
        )


def paper_numbers() -> "pd.DataFrame":
    """Return `printed_numbers` as a frame, one row each, with columns named after the fields of PrintedCell."""
    import pandas as pd  # here, so that listings without frames do not wait for it

    return pd.DataFrame(map(attrgetter(*COLUMNS), printed_numbers()), columns=list(COLUMNS))
