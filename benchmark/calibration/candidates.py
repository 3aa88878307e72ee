"""The settings that `calibrate` tries: the same number per method, each a departure from its `default` weights."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmark.studies.named_studies import Study
from benchmark.table_specs import TABLES
from benchmark.training.training_settings import TrainingSettings

Setting = dict[str, Any]  # fields of a method's configuration that differ from its default weights -> values

FINALISTS = 2
SEEDS_OF_FINALISTS = 3


def _each(name: str, *values: float) -> Iterator[Setting]:
    return ({name: value} for value in values)


def _product(**axes: tuple[float, ...]) -> Iterator[Setting]:
    return (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


# The decoder variance weights the reconstruction against all other terms; the other settings change single terms.
_HGMVAE = (
    *_each("decoder_variance", 0.01, 0.02, 0.05, 0.1, 0.2),
    {"conditional_prior": "matched"},
    {"conditional_prior": "matched", "decoder_variance": 0.02},
    {"beta_x": 0.5},
    {"fisher_weight": 0.1},
    {"fisher_weight": 5.0},
    {"fisher": "log", "fisher_weight": 0.1},
    {"centre": True},
)

# For all methods with a likelihood, the axis of regularisation strength starts at the same decoder variance. If a
# chosen setting is at an end of such an axis, a better one may lie beyond (`at_an_end`).
# `beta` weights the KL against half the summed squared error, so it is the product of the decoder variance and
# beta-VAE's own beta. With both free, VAE and beta-VAE would be the same method; so this beta is 1 for the VAE and 2 or
# more for beta-VAE.
GRIDS: dict[str, tuple[Setting, ...]] = {
    "vae": tuple(_each("beta", 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)),
    "beta_vae": tuple(
        _each("beta", *(round(variance * beta, 6) for variance in (0.01, 0.03, 0.1) for beta in (2, 4, 8, 16)))
    ),
    "gmvae": tuple(_product(decoder_variance=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5), beta_k=(1.0, 0.1))),
    "swae": tuple(_product(reg_weight=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0), n_projections=(50, 200))),
    "wae_imq": tuple(_each("reg_weight", 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0)),
    "wae_rbf": tuple(_each("reg_weight", 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0)),
    "hgmvae_g": _HGMVAE,
    "hgmvae_u": _HGMVAE,
}


def _around(default: float, below: int, per_decade: int, n: int) -> tuple[float, ...]:
    """Return n values in geometric progression, which include the default and `below` values under it."""
    return tuple(float(f"{default * 10 ** ((i - below) / per_decade):.4g}") for i in range(n))


# For a GPU: 48 settings per method, whose axes of strength extend at least as far as in GRIDS. HGMVAE: eight departures
# at each of six decoder variances.
_WIDE_HGMVAE = tuple(
    variance | departure
    for variance in _each("decoder_variance", 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    for departure in (
        {},
        {"conditional_prior": "matched"},
        *_each("beta_x", 0.5, 2.0),
        *_each("fisher_weight", 0.1, 5.0),
        {"fisher": "log", "fisher_weight": 0.1},
        {"centre": True},
    )
)
_WIDE_WAE = tuple(_each("reg_weight", *_around(10.0, below=28, per_decade=11, n=48)))
WIDE_GRIDS: dict[str, tuple[Setting, ...]] = {
    "vae": tuple(_each("beta", *_around(0.05, below=20, per_decade=20, n=48))),
    "beta_vae": tuple(_each("beta", *_around(0.2, below=25, per_decade=20, n=48))),
    "gmvae": tuple(_product(decoder_variance=_around(0.05, 5, 5, 12), beta_k=(1.0, 0.3, 0.1, 0.03))),
    "swae": tuple(_product(reg_weight=_around(10.0, 12, 6, 24), n_projections=(50, 200))),
    "wae_imq": _WIDE_WAE,
    "wae_rbf": _WIDE_WAE,
    "hgmvae_g": _WIDE_HGMVAE,
    "hgmvae_u": _WIDE_HGMVAE,
}

# Methods with deterministic encoders, where every latent unit that varies counts as active.
WITHOUT_NOISE = ("swae", "wae_imq", "wae_rbf")


def at_an_end(grid: tuple[Setting, ...], number: int, default: Setting) -> bool:
    """Whether a setting is at an end of its grid, so that a better one may lie beyond.

    This is so if the value of a field is the smallest or largest of the values that the grid and the default have for
    the field. Only fields with more than three values count, because two or three are departures, not a searched axis.

    Args:
        grid: The settings tried.
        number: The position of the setting.
        default: All fields of the method's default weights.
    """
    tried: dict[str, list[Any]] = {
        name: [setting.get(name, default[name]) for setting in (*grid, default)] for name in grid[number]
    }
    return any(
        len(set(values)) > 3 and grid[number][name] in (min(values), max(values)) for name, values in tried.items()
    )


@dataclass(frozen=True)
class Calibration:
    """The settings that are tried, and how each is trained and scored.

    Attributes:
        study: A study with one cell per method; each setting is trained and scored as that cell's trials are.
        grids: The settings by method.
    """

    study: Study
    grids: Mapping[str, tuple[Setting, ...]]


# Settings are scored on the last 10,000 training images; the test images are never used.
_STUDY = Study(
    "calibration",
    "which loss weights each method should have, under one budget",
    (dataclasses.replace(TABLES[2], datasets=("mnist",), methods=tuple(GRIDS), latent_dims=(8,)),),
    seeds=SEEDS_OF_FINALISTS,
    training=TrainingSettings(epochs=3, width=0.5),
    n_train=20_000,
    split="validation",
)
_WIDE_STUDY = dataclasses.replace(_STUDY, name="calibration-wide", training=TrainingSettings(), n_train=None)
# Procedural images and two settings per method: a check that the command runs, whose choice has no meaning.
_SMOKE_STUDY = dataclasses.replace(
    _STUDY,
    name="calibration-smoke",
    training=TrainingSettings(epochs=4, batch_size=32, width=0.25),
    n_train=960,
    n_test=96,
    split="official",
    images="drawn",
)
CALIBRATIONS = {
    "reduced": Calibration(_STUDY, GRIDS),
    "wide": Calibration(_WIDE_STUDY, WIDE_GRIDS),
    "smoke": Calibration(_SMOKE_STUDY, {method: grid[:2] for method, grid in GRIDS.items()}),
}
