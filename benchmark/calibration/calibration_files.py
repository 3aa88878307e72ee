"""The files of a calibration: every score as CSV, the choice as JSON and Markdown, and a figure."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.calibration.calibration_figure import CalibrationPage, calibration_figure, panels
from benchmark.calibration.calibration_page import render_choice
from benchmark.calibration.candidates import Setting
from benchmark.calibration.selection import COLUMNS, CRITERIA, CalibrationOutcome
from benchmark.errors import UserError
from benchmark.files import write_texts
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.results.records import Record
from benchmark.results.store import CALIBRATION_FILES, Store
from benchmark.studies.trials import Trial

_TABLE, _PAGE, _CHOICE = CALIBRATION_FILES
Trials = Mapping[tuple[tuple[str, int], int], Trial]  # ((method, number of the setting), seed) -> trial


def check_same_calibration(store: Store, grids: Mapping[str, tuple[Setting, ...]], trials: Trials) -> None:
    """Check that a results folder has nothing that a calibration would replace, or mix with its own trials.

    Args:
        store: The results folder.
        grids: The settings to try, by method.
        trials: All trials that the calibration may have.

    Raises:
        UserError: The folder has a study, a record of another trial, or the results of a calibration of other settings
            or without the record of any setting; or its manifest or packed records cannot be read.
    """
    if study := store.read_manifest():
        raise store.taken_by(f"the study {study.study}")
    there = store.record_keys()
    if there - {trial.key for trial in trials.values()}:
        raise store.taken_by("another calibration (other images, methods, settings, code or device)")
    wanted = {trial.key for (_, seed), trial in trials.items() if seed == 0}
    # Results are written when every setting has its record; one that was lost since is trained again.
    if (
        (written := store.calibration_results())
        and not wanted <= there
        and (wanted.isdisjoint(there) or _settings_of(store.folder / _TABLE) != _departures(grids))
    ):
        raise UserError(
            f"--out {store.folder}: its {written[0]} is of other settings, or its records are missing; "
            "give another --out"
        )


def _departures(grids: Mapping[str, tuple[Setting, ...]]) -> set[tuple[str, str]]:
    return {(method, json.dumps(setting)) for method, grid in grids.items() for setting in grid}


def _settings_of(table: Path) -> set[tuple[str, str]]:
    """Return the methods and settings in a calibration.csv; none if it is missing or cannot be read."""
    try:
        found = pd.read_csv(table, dtype=str)
        return set(zip(found["method"], found["departure"], strict=True))
    except (OSError, ValueError, KeyError):
        return set()


def read_scores(store: Store, trials: Trials) -> pd.DataFrame:
    """Read the scores of a calibration's trials.

    Args:
        store: The results folder.
        trials: The trials.

    Returns:
        A frame with the columns COLUMNS and one row per trial. A trial without a score has NaN and is not usable.

    Raises:
        UserError: A record exists but cannot be read.
    """
    return pd.DataFrame(
        [
            (method, setting, seed, *_scored(store.read_record(trial.key)))
            for ((method, setting), seed), trial in trials.items()
        ],
        columns=list(COLUMNS),
    )


def _scored(record: Record | None) -> tuple[float, float, float, bool]:
    """SVM accuracy, reconstruction error, number of active units, and whether the trial is usable."""
    accuracy = record.score("classification", "svm_accuracy") if record and record.ok else None
    if record is None or accuracy is None:
        return math.nan, math.nan, math.nan, False
    health = record.health
    error = math.nan if health.explained_variance is None else 1 - health.explained_variance
    active = math.nan if health.active_units is None else health.active_units
    return accuracy, error, active, not health.collapsed


def write_results(
    folder: Path,
    grids: Mapping[str, tuple[Setting, ...]],
    scores: pd.DataFrame,
    found: CalibrationOutcome,
    made: Mapping[str, Any],
) -> list[Path]:
    """Write calibration.csv (one row per trial), .md, .png and .pdf, and chosen.json.

    Args:
        folder: The output folder, created if missing.
        grids: The settings tried, by method.
        scores: The result of `read_scores`.
        found: The calibration's outcome.
        made: The command, the notes and the data's digest, with the provenance.

    Returns:
        The paths of the files.

    Raises:
        UserError: The folder cannot be written.
    """
    places = list(zip(scores["method"], scores["setting"], strict=True))
    of_setting = found.settings.loc[places, ["finalist", *CRITERIA]]
    table = scores.assign(
        departure=[json.dumps(grids[method][setting]) for method, setting in places],
        **{name: of_setting[name].to_numpy() for name in of_setting},
    )
    said = {
        criterion: {method: grids[method][setting] for method, setting in of_method.items()}
        for criterion, of_method in found.choices.items()
    }
    texts = {
        _TABLE: csv_text(table),
        _PAGE: render_choice(grids, found, made),
        _CHOICE: json.dumps({"made": made, "criteria": CRITERIA} | said, indent=1) + "\n",
    }
    page = CalibrationPage(panels(grids, found), tuple(made["notes"]))
    return [*write_texts(folder, texts), *write_page(calibration_figure, page, folder, "calibration")]
