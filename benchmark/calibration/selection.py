"""The choice of one setting for every method from the scores of all, by criteria fixed beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.calibration.candidates import FINALISTS, WITHOUT_NOISE

# Both use images that were not trained on. The first judges as Tables 2 and 3 do, by a method's codes and its
# reconstructions, and needs labels. The second needs none. Neither rewards what a prior is for, clusters or new images,
# so both favour weak regularisation; where a choice lies at the end of its grid the page says so (`at_an_end`).
CRITERIA = {
    "ranks": "the mean of two ranks among all the method's settings, SVM accuracy and reconstruction error; of the two "
    "best by one seed the better over three, of equals the first in the grid",
    "label_free": "by one seed, the least reconstruction error among the settings with the number of active units that "
    "is the most common where encoders have noise",
}
COLUMNS = ("method", "setting", "seed", "svm_accuracy", "reconstruction_error", "active_units", "usable")


def means(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores of every setting over its seeds.

    Args:
        scores: A row per trial, columns COLUMNS. `reconstruction_error` is the share of the pixels' variance that is
            not explained, in [0, inf).

    Returns:
        The means, indexed by method and setting. A setting is `usable` where every seed is: trained to its end, and not
        collapsed. `seeds` is how many there are.
    """
    grouped = scores.groupby(["method", "setting"], sort=False)
    averaged = grouped[["svm_accuracy", "reconstruction_error", "active_units"]].mean()
    return averaged.assign(usable=grouped["usable"].all(), seeds=grouped["seed"].count())


def by_ranks(settings: pd.DataFrame) -> pd.Series:
    """Rank a method's settings by SVM accuracy and reconstruction error.

    Args:
        settings: One method's rows of `means`.

    Returns:
        For each setting the mean of its two ranks, where 1 is the best and ties share the mean of their ranks. All
        settings that are not usable have the last rank.
    """
    usable = settings[settings["usable"]]
    ranks = (usable["svm_accuracy"].rank(ascending=False) + usable["reconstruction_error"].rank()) / 2
    return ranks.reindex(settings.index, fill_value=float(len(settings)))


def by_error(settings: pd.DataFrame, active_units: int) -> pd.Series:
    """Keep the reconstruction error of the usable settings with one number of active units.

    Args:
        settings: The result of `means`.
        active_units: That number, to which a setting's mean over seeds is rounded.

    Returns:
        Their reconstruction errors; NaN for all other settings.
    """
    matched = settings["usable"] & (settings["active_units"].round() == active_units)
    return settings["reconstruction_error"].where(matched)


def matched_units(settings: pd.DataFrame) -> int:
    """Find the number of active units that most usable settings have.

    In an encoder without noise every unit is active whatever the loss weights, so methods with one (WITHOUT_NOISE)
    count only where there are no others.

    Args:
        settings: The result of `means`.

    Returns:
        The number, the highest where several are equally common; 0 where no setting is usable.
    """
    usable = settings[settings["usable"]]
    with_noise = usable[~usable.index.get_level_values("method").isin(WITHOUT_NOISE)]
    counts = (with_noise if len(with_noise) else usable)["active_units"].round().astype(int).value_counts()
    return int(counts[counts == counts.max()].index.max()) if len(counts) else 0


def judged(scores: pd.DataFrame) -> pd.DataFrame:
    """Judge every setting by each of CRITERIA.

    Args:
        scores: See `means`.

    Returns:
        The frame of `means` with a column per criterion, the lower the better; NaN where it does not apply.
    """
    settings = means(scores)
    ranks = pd.concat([by_ranks(rows) for _, rows in settings.groupby("method", sort=False)])
    return settings.assign(ranks=ranks, label_free=by_error(settings, matched_units(settings)))


def finalists(settings: pd.DataFrame) -> list[tuple[str, int]]:
    """Choose the settings that are trained with more seeds.

    They are equally many for every method, however many settings are usable, so that all have the same budget.

    Args:
        settings: The result of `judged`.

    Returns:
        For each method the FINALISTS best settings by "ranks", as (method, setting); among equals the first in the
        grid.
    """
    return [
        place
        for _, rows in settings.groupby("method", sort=False)
        for place in rows["ranks"].sort_values(kind="stable").index[:FINALISTS]
    ]


def chosen(settings: pd.DataFrame, criterion: str) -> dict[str, int]:
    """Choose every method's best usable setting by a criterion.

    Args:
        settings: The result of `judged`.
        criterion: A key of CRITERIA.

    Returns:
        Method -> setting, among equals the first in the grid; a method without a usable setting is left out.
    """
    values = settings.loc[settings["usable"], criterion].dropna()
    return {method: rows.idxmin()[1] for method, rows in values.groupby("method", sort=False)}


@dataclass(frozen=True)
class CalibrationOutcome:
    """The outcome of a calibration.

    Attributes:
        settings: The frame of `judged` over all seeds, but with `label_free` from each setting's first seed alone, and
            with the column `finalist`.
        choices: Criterion -> method -> setting.
    """

    settings: pd.DataFrame
    choices: Mapping[str, Mapping[str, int]]


def outcome(scores: pd.DataFrame) -> CalibrationOutcome:
    """Choose from the scores of both rounds of training.

    Args:
        scores: As for `means`, with seed 0 of every setting and the other seeds of the finalists.
    """
    first, settings = judged(scores[scores["seed"] == 0]), judged(scores)
    best = finalists(first)
    settings = settings.assign(label_free=first["label_free"], finalist=settings.index.isin(best))
    choices = {"ranks": chosen(settings.loc[best], "ranks"), "label_free": chosen(first, "label_free")}
    return CalibrationOutcome(settings, choices)
