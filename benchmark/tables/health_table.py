"""A table of a study's model diagnostics: active units, explained variance, rate, collapse and others."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.evaluation.health import ACTIVE_SHARE, LEAST_EXPLAINED
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults
from benchmark.table_specs import TABLES
from benchmark.tables.layout import ABSENT
from benchmark.text import number

HEALTH_COLUMNS = [
    "data set",
    "d",
    "method",
    "trials",
    "active units",
    "explained variance",
    "rate",
    "distortion",
    "entropy of w",
    "leading components",
    "collapsed",
    "diverged",
]
HEALTH_MEANING = (
    "An active unit tells images apart: its codes without the posterior's noise have more than "
    f"{ACTIVE_SHARE:.0%} of the variance of those with it. The mean over trials, of d, with the least and the most in "
    "parentheses where trials differ. Explained variance is 1 minus the squared error of the reconstructions over that "
    "of the mean image: 1 is perfect, 0 no better than the mean image; the mean over trials. A trial has collapsed (†) "
    "when fewer than half of its units, of at most eight, are active, or it explains less than "
    f"{LEAST_EXPLAINED:.0%}: then its scores describe the collapse. The others are means too. Rate: what a code tells "
    "of its image at most, in nats; none where the encoder has no noise. Distortion: the summed squared error of the "
    "reconstruction of a sampled code. Entropy of an image's weights over components, in nats: log K where they say "
    "nothing. Leading components: those with the largest weight of at least a hundredth of the images."
)


def health_frame(study: StudyResults) -> pd.DataFrame:
    """Tabulate the diagnostics of a study's trials: a row per data set, latent dim and method that has a record.

    Data sets are in the order of the tables, methods in that of ALL_METHODS followed by others, latent dims ascending.

    Returns:
        Columns are HEALTH_COLUMNS. `trials`, `collapsed` and `diverged` are counts of records. The others are text,
        over the trials that recorded them ("–" if none did): `active units`, such as "7.7 (7–8) of 8", or "8 of 8" if
        trials agree; and means, of `explained variance` (at most 1), `rate` and `entropy of w` (nats), `distortion` and
        `leading components`.
    """
    places: dict[tuple[str, int, str], list[Record]] = {}
    for record in study.own_records():
        trial = record.identity
        places.setdefault((trial.dataset, trial.latent_dim, trial.method), []).append(record)
    printed = (name for table in TABLES.values() for name in table.datasets)
    datasets = _in_order(printed, (dataset for dataset, _, _ in places))
    methods = _in_order(ALL_METHODS, (method for _, _, method in places))
    rows = [
        (
            study.manifest.dataset_label(dataset),
            latent_dim,
            study.manifest.method_label(method),
            len(runs),
            _active(_recorded(runs, "active_units"), latent_dim),
            _mean(_recorded(runs, "explained_variance"), 2),
            _mean(_recorded(runs, "rate"), 1),
            _mean(_recorded(runs, "distortion"), 1),
            _mean(_recorded(runs, "weight_entropy"), 2),
            _mean(_recorded(runs, "components_leading"), 1),
            sum(_recorded(runs, "collapsed")),
            sum(run.status == "diverged" for run in runs),
        )
        for (dataset, latent_dim, method), runs in sorted(
            places.items(), key=lambda item: (datasets.index(item[0][0]), item[0][1], methods.index(item[0][2]))
        )
    ]
    return pd.DataFrame(rows, columns=HEALTH_COLUMNS)


def _in_order(first: Iterable[str], others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *others]))


def _recorded(runs: Sequence[Record], field: str) -> list[Any]:
    found = (getattr(run.health, field) for run in runs)
    return [value for value in found if value is not None]


def _mean(values: Sequence[float], decimals: int) -> str:
    return number(float(np.mean(values)), decimals) if values else ABSENT


def _active(counts: Sequence[int], latent_dim: int) -> str:
    if len(set(counts)) > 1:
        return f"{_mean(counts, 1)} ({min(counts)}–{max(counts)}) of {latent_dim}"
    return f"{_mean(counts, 0)} of {latent_dim}" if counts else ABSENT
