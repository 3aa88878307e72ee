"""Which claims depend on the loss weights: every claim on several runs of a study, over the trials that all have."""

from collections.abc import Mapping

import pandas as pd

from benchmark.reporting.frame import long_frame
from benchmark.verdict.judging import seed_values, training_costs
from benchmark.verdict.standing import common, standing

COLUMNS = ["claim", "by", "run", "state", "flips"]


def robustness(runs: Mapping[str, tuple[Mapping, Mapping[str, Mapping]]]) -> pd.DataFrame:
    """From name -> (manifest, records) a row per claim, way of judging and run; COLUMNS.

    `state`: on the data sets, methods, latent dims and seeds of which every run has a score, so that a missing one
    flips nothing; training times are each run's own. `flips`: the state is not that of the first run.
    """
    values = common(*(seed_values(long_frame(*run)) for run in runs.values()))
    states = {
        name: standing(run[0], of_run, training_costs(*run))
        for (name, run), of_run in zip(runs.items(), values, strict=True)
    }
    first = next(iter(states.values()))
    rows = [
        (claim, by, name, of_run[claim, by], of_run[claim, by] != state)
        for (claim, by), state in first.items()
        for name, of_run in states.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
