"""The choice of one setting per method from the scores of all, by criteria fixed beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.calibration.candidates import FINALISTS, WITHOUT_NOISE

# Both use images that were not trained on. The first uses a method's codes and reconstructions, like Tables 2 and 3,
# and needs labels; the second needs none. Neither rewards the purpose of a prior (clusters or new images), so both
# favour weak regularisation; if a choice is at the end of its grid, the page says so (`at_an_end`).
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
        scores: One row per trial, columns COLUMNS. `reconstruction_error` is the unexplained share of the pixels'
            variance, in [0, inf).

    Returns:
        The means, indexed by method and setting. A setting is `usable` if every seed finished training and did not
        collapse. `seeds` is the number of seeds.
    """
    grouped = scores.groupby(["method", "setting"], sort=False)
    averaged = grouped[["svm_accuracy", "reconstruction_error", "active_units"]].mean()
    return averaged.assign(usable=grouped["usable"].all(), seeds=grouped["seed"].count())


def by_ranks(settings: pd.DataFrame) -> pd.Series:
    """Rank a method's settings by SVM accuracy and reconstruction error.

    Args:
        settings: One method's rows of `means`.

    Returns:
        For each setting the mean of its two ranks, where 1 is the best and ties share their mean rank. All settings
        that are not usable have the last rank.
    """
    usable = settings[settings["usable"]]
    ranks = (usable["svm_accuracy"].rank(ascending=False) + usable["reconstruction_error"].rank()) / 2
    return ranks.reindex(settings.index, fill_value=float(len(settings)))


def by_error(settings: pd.DataFrame, active_units: int) -> pd.Series:
    """Return the reconstruction errors of the usable settings with a given number of active units.

    Args:
        settings: The result of `means`.
        active_units: The number, compared with a setting's rounded mean over seeds.

    Returns:
        The reconstruction errors; NaN for all other settings.
    """
    matched = settings["usable"] & (settings["active_units"].round() == active_units)
    return settings["reconstruction_error"].where(matched)


def matched_units(settings: pd.DataFrame) -> int:
    """Return the most frequent number of active units among usable settings.

    With a deterministic encoder every unit is active whatever the loss weights, so methods with one (WITHOUT_NOISE)
    count only if there are no others.

    Args:
        settings: The result of `means`.

    Returns:
        The number, the largest if several are equally frequent; 0 if no setting is usable.
    """
    usable = settings[settings["usable"]]
    with_noise = usable[~usable.index.get_level_values("method").isin(WITHOUT_NOISE)]
    counts = (with_noise if len(with_noise) else usable)["active_units"].round().astype(int).value_counts()
    return int(counts[counts == counts.max()].index.max()) if len(counts) else 0


def judged(scores: pd.DataFrame) -> pd.DataFrame:
    """Score every setting by each of CRITERIA.

    Args:
        scores: See `means`.

    Returns:
        The frame of `means` with one column per criterion, lower is better; NaN where it does not apply.
    """
    settings = means(scores)
    ranks = pd.concat([by_ranks(rows) for _, rows in settings.groupby("method", sort=False)])
    return settings.assign(ranks=ranks, label_free=by_error(settings, matched_units(settings)))


def finalists(settings: pd.DataFrame) -> list[tuple[str, int]]:
    """Choose the settings that are trained with more seeds.

    Their number is the same for every method, however many settings are usable, so that all have the same budget.

    Args:
        settings: The result of `judged`.

    Returns:
        For each method the FINALISTS best settings by "ranks", as (method, setting); ties go to the first in the grid.
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
        Method -> setting, ties resolved by order in the grid; methods without a usable setting are left out.
    """
    values = settings.loc[settings["usable"], criterion].dropna()
    return {method: rows.idxmin()[1] for method, rows in values.groupby("method", sort=False)}


@dataclass(frozen=True)
class CalibrationOutcome:
    """The outcome of a calibration.

    Attributes:
        settings: The frame of `judged` over all seeds, except that `label_free` uses each setting's first seed alone,
            with the column `finalist`.
        choices: Criterion -> method -> setting.
    """

    settings: pd.DataFrame
    choices: Mapping[str, Mapping[str, int]]


def outcome(scores: pd.DataFrame) -> CalibrationOutcome:
    """Choose from the scores of both rounds of training.

    Args:
        scores: See `means`; seed 0 of every setting and the other seeds of the finalists.
    """
    first, settings = judged(scores[scores["seed"] == 0]), judged(scores)
    best = finalists(first)
    settings = settings.assign(label_free=first["label_free"], finalist=settings.index.isin(best))
    choices = {"ranks": chosen(settings.loc[best], "ranks"), "label_free": chosen(first, "label_free")}
    return CalibrationOutcome(settings, choices)
