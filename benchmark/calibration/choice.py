"""From the scores of all settings to one setting for every method, by a criterion that was stated beforehand."""

import pandas as pd

from benchmark.calibration.grids import FINALISTS

# Both are asked of images that were not trained on. The first judges as Tables 2 and 3 do, by a method's codes and
# its reconstructions; it needs labels. The second needs none.
CRITERIA = {
    "ranks": "the mean of two ranks among the method's settings: SVM accuracy, and reconstruction error",
    "label_free": "the least reconstruction error among the settings with the most common number of active units",
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
    """The number of active units that most usable settings of all methods have; of several the highest, of none 0."""
    counts = settings.loc[settings["usable"], "active_units"].round().astype(int).value_counts()
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
