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
from benchmark.files import write_texts
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.trials import Trial


def read_scores(store: Store, trials: Mapping[tuple[tuple[str, int], int], Trial]) -> pd.DataFrame:
    """Read the scores of a calibration's trials.

    Args:
        store: The results folder.
        trials: ((method, number of the setting), seed) -> trial.

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
        "calibration.csv": csv_text(table),
        "calibration.md": render_choice(grids, found, made),
        "chosen.json": json.dumps({"made": made, "criteria": CRITERIA} | said, indent=1) + "\n",
    }
    page = CalibrationPage(panels(grids, found), tuple(made["notes"]))
    return [*write_texts(folder, texts), *write_page(calibration_figure, page, folder, "calibration")]
