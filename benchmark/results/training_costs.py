"""The cost of training HGMVAE relative to VAEs that were trained in the same way."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmark.results.records import Record, TrainingCost

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = "vae"
COMPARED = ("hgmvae_g", "hgmvae_u")
COLUMNS = [
    *("dataset", "latent_dim", "method", "seeds", "machine"),
    *("seconds", "vae_seconds", "ratio", "parameters_ratio"),
]
_Setup = tuple[str, int, tuple[int, ...], str]  # data set, latent dimension, seeds, machine and way


def training_costs(records: Iterable[Record]) -> "pd.DataFrame":
    """Compare training times of HGMVAE and VAE: a row per data set, latent dimension, variant and pack of seeds.

    Both methods used the same images, seeds and kind of machine, and were trained in the same way; a training without a
    counterpart has no row.

    Args:
        records: Records of any trials; those that did not end well or were not timed are ignored.

    Returns:
        A frame with the columns COLUMNS. `seeds` are those of a pack, which share one time and so are one measurement.
        `machine` describes the hardware and the way of training; `seconds` and `vae_seconds` are per seed; `ratio` and
        `parameters_ratio` are HGMVAE's divided by the VAE's.
    """
    import pandas as pd  # imported late, because callers that only need outcomes should not wait for it

    sides: dict[_Setup, dict[str, TrainingCost]] = {}
    for record in records:
        cost = record.training_cost
        if record.ok and cost is not None:
            sides.setdefault(_setup(record), {})[record.identity.method] = cost
    rows = [
        (
            dataset,
            dim,
            method,
            seeds,
            machine,
            cost.seconds,
            of[_REFERENCE].seconds,
            cost.seconds / of[_REFERENCE].seconds,
            cost.parameters / of[_REFERENCE].parameters,
        )
        for (dataset, dim, seeds, machine), of in sides.items()
        for method, cost in of.items()
        if method in COMPARED and _REFERENCE in of
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _setup(record: Record) -> _Setup:
    trial, how = record.identity, record.training
    made = how.hardware or record.provenance  # older records lack `hardware`
    parts = [made.device, made.platform, f"{made.numerics['threads']} threads"]
    parts += [made.numerics.get("vector_instructions"), how.way]
    seeds = (trial.seed,) if how.pack_seeds is None else how.pack_seeds
    return trial.dataset, trial.latent_dim, seeds, ", ".join(filter(None, parts))
