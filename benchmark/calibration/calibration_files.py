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
from benchmark.results.packed_files import read_packed
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.trials import Trial

_TABLE, _PAGE, _CHOICE = "calibration.csv", "calibration.md", "chosen.json"
Trials = Mapping[tuple[tuple[str, int], int], Trial]  # ((method, number of the setting), seed) -> trial


def check_same_calibration(store: Store, trials: Trials) -> None:
    """Check that a results folder has nothing that a calibration would replace, or mix with its own trials.

    Args:
        store: The results folder.
        trials: All trials that the calibration may have.

    Raises:
        UserError: The folder has a study, a record of another trial, or the results of a calibration for which it lacks
            the record of a setting; or its manifest or packed records cannot be read.
    """
    if study := store.read_manifest():
        raise UserError(f"--out {store.folder}: belongs to the study {study.study}; give another --out")
    there = {path.stem for path in (store.folder / "records").glob("[!.]*.json")}
    there |= read_packed(store.packed_records_path, lambda *_: None).keys()
    if there - {trial.key for trial in trials.values()}:
        raise UserError(
            f"--out {store.folder}: belongs to another calibration (other images, methods, settings, code or device); "
            "give another --out"
        )
    written = [name for name in (_TABLE, _PAGE, _CHOICE) if (store.folder / name).exists()]
    # Results are written when every setting has its record.
    if written and not {trial.key for (_, seed), trial in trials.items() if seed == 0} <= there:
        raise UserError(
            f"--out {store.folder}: its {written[0]} is of other settings, or its records are missing; "
            "give another --out"
        )


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
