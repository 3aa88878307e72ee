"""What a calibration leaves: every score as CSV, the choice as JSON and Markdown, a figure."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.calibration.calibration_figure import Page, calibration_figure, panels
from benchmark.calibration.calibration_page import render_choice
from benchmark.calibration.candidates import Setting
from benchmark.calibration.selection import COLUMNS, CRITERIA, Outcome
from benchmark.files import write_text
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.studies.trials import Trial


def read_scores(store: Store, trials: Mapping[tuple[tuple[str, int], int], Trial]) -> pd.DataFrame:
    """One row a trial, columns COLUMNS, by ((method, setting), seed). What has no score is not usable and has NaN."""
    return pd.DataFrame(
        [
            (method, setting, seed, *_scored(store.read_record(trial.key)))
            for ((method, setting), seed), trial in trials.items()
        ],
        columns=list(COLUMNS),
    )


def _scored(record: dict[str, Any] | None) -> tuple[float, float, float, bool]:
    """SVM accuracy, reconstruction error, active units, and whether they count."""
    if record is None or record["status"] != "ok" or "svm_accuracy" not in record["metrics"].get("classification", {}):
        return float("nan"), float("nan"), float("nan"), False
    health = record["health"]
    explained = health["explained_variance"]
    error = float("nan") if explained is None else 1 - explained
    return record["metrics"]["classification"]["svm_accuracy"], error, health["active_units"], not health["collapsed"]


def write_results(
    folder: Path,
    grids: Mapping[str, tuple[Setting, ...]],
    scores: pd.DataFrame,
    found: Outcome,
    made: Mapping[str, Any],
) -> None:
    """Write calibration.csv (a row a trial), .md, .png and .pdf, and chosen.json. `made`: how, when, on what.

    Raises UserError where the folder cannot be written.
    """
    places = list(zip(scores["method"], scores["setting"], strict=True))
    of_setting = found.settings.loc[places, ["finalist", *CRITERIA]]
    table = scores.assign(
        departure=[json.dumps(grids[method][setting]) for method, setting in places],
        **{name: of_setting[name].to_numpy() for name in of_setting},
    )
    write_text(folder / "calibration.csv", csv_text(table))
    write_text(folder / "calibration.md", render_choice(grids, found, made))
    said = {
        criterion: {method: grids[method][setting] for method, setting in of_method.items()}
        for criterion, of_method in found.choices.items()
    }
    write_text(folder / "chosen.json", json.dumps({"made": made, "criteria": CRITERIA} | said, indent=1) + "\n")
    write_page(calibration_figure, Page(panels(grids, found), tuple(made["notes"])), folder, "calibration")
