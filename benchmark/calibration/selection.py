"""From the scores of all settings to one setting for every method, by criteria that were stated beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.calibration.candidates import FINALISTS, WITHOUT_NOISE

# Both are asked of images that were not trained on. The first judges as Tables 2 and 3 do, by a method's codes and
# its reconstructions; it needs labels. The second needs none. Neither rewards what a prior is for, clusters or new
# images, so both lean to weak regularisation: a choice at the end of a grid says so.
CRITERIA = {
    "ranks": "the mean of two ranks among all the method's settings, SVM accuracy and reconstruction error; of the two "
    "best by one seed the better over three, of equals the first in the grid",
    "label_free": "by one seed, the least reconstruction error among the settings with the number of active units that "
    "is the most common where encoders have noise",
}
COLUMNS = ("method", "setting", "seed", "svm_accuracy", "reconstruction_error", "active_units", "usable")


def means(scores: pd.DataFrame) -> pd.DataFrame:
    """Per method and setting (the index) the means over its seeds, from one row a trial (COLUMNS).

    `reconstruction_error`: the share of the pixels' variance that is left, in [0, inf). A setting is `usable` where
    every seed is: trained to its end, and not collapsed.
    """
    grouped = scores.groupby(["method", "setting"], sort=False)
    averaged = grouped[["svm_accuracy", "reconstruction_error", "active_units"]].mean()
    return averaged.assign(usable=grouped["usable"].all(), seeds=grouped["seed"].count())


def by_ranks(settings: pd.DataFrame) -> pd.Series:
    """The mean of two ranks, 1 the best, ties shared; what is not usable comes last, all alike.

    `settings`: one method's rows of `means`.
    """
    usable = settings[settings["usable"]]
    ranks = (usable["svm_accuracy"].rank(ascending=False) + usable["reconstruction_error"].rank()) / 2
    return ranks.reindex(settings.index, fill_value=float(len(settings)))


def by_error(settings: pd.DataFrame, active_units: int) -> pd.Series:
    """The reconstruction error where the units that are active are as many as said; NaN elsewhere."""
    matched = settings["usable"] & (settings["active_units"].round() == active_units)
    return settings["reconstruction_error"].where(matched)


def matched_units(settings: pd.DataFrame) -> int:
    """The number of active units that most usable settings have, of several the highest; 0 where nothing is usable.

    An encoder without noise has every unit active whatever its weights: it counts only where there is no other.
    """
    usable = settings[settings["usable"]]
    with_noise = usable[~usable.index.get_level_values("method").isin(WITHOUT_NOISE)]
    counts = (with_noise if len(with_noise) else usable)["active_units"].round().astype(int).value_counts()
    return int(counts[counts == counts.max()].index.max()) if len(counts) else 0


def judged(scores: pd.DataFrame) -> pd.DataFrame:
    """`means` with a column for each of CRITERIA, the lower the better; NaN where it does not apply."""
    settings = means(scores)
    ranks = pd.concat([by_ranks(rows) for _, rows in settings.groupby("method", sort=False)])
    return settings.assign(ranks=ranks, label_free=by_error(settings, matched_units(settings)))


def finalists(settings: pd.DataFrame) -> list[tuple[str, int]]:
    """Per method the FINALISTS best settings by "ranks", as (method, setting); of equals the first in the grid.

    Equally many for every method, however many are usable: the budget is one.
    """
    return [
        place
        for _, rows in settings.groupby("method", sort=False)
        for place in rows["ranks"].sort_values(kind="stable").index[:FINALISTS]
    ]


def chosen(settings: pd.DataFrame, criterion: str) -> dict[str, int]:
    """Method -> its best usable setting, of equals the first in the grid; a method without one is left out."""
    values = settings.loc[settings["usable"], criterion].dropna()
    return {method: rows.idxmin()[1] for method, rows in values.groupby("method", sort=False)}


@dataclass(frozen=True)
class CalibrationOutcome:
    """A whole calibration. `settings`: every setting's means, ranked (`ranks`) over all its seeds and judged without
    labels (`label_free`) by its first, and whether it was a `finalist`; `choices`: criterion -> method -> setting."""

    settings: pd.DataFrame
    choices: Mapping[str, Mapping[str, int]]


def outcome(scores: pd.DataFrame) -> CalibrationOutcome:
    """From the scores of both rounds: every setting's first seed, and the finalists' others."""
    first, settings = judged(scores[scores["seed"] == 0]), judged(scores)
    best = finalists(first)
    settings = settings.assign(label_free=first["label_free"], finalist=settings.index.isin(best))
    choices = {"ranks": chosen(settings.loc[best], "ranks"), "label_free": chosen(first, "label_free")}
    return CalibrationOutcome(settings, choices)
