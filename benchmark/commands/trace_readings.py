"""`controls --trace`: record how the readings of HGMVAE-G's loss train, by step and by epoch."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.console import Console

from benchmark.commands.wording import command_line, print_written
from benchmark.controls.trace import trace
from benchmark.controls.trace_figure import TracePage, trace_figure
from benchmark.data.dataset import data_marks
from benchmark.errors import UserError
from benchmark.execution.numerics import set_numerics
from benchmark.execution.provenance import provenance
from benchmark.files import write_texts
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.studies.grid import DataOptions, Grid, Selection, build_grid
from benchmark.studies.named_studies import STUDIES

TRACED = "readings"


def trace_readings(folder: Path, data_dir: Path, offline: bool, device: str, console: Console) -> None:
    """Train every trial of the study `readings` with a trace; write steps.csv, epochs.csv, trace.json and the figure.

    Args:
        folder: Folder of these files.
        data_dir: The data folder.
        offline: Whether downloading is forbidden.
        device: Torch name of the device to train on.
        console: Console on which the end of every training is printed.

    Raises:
        UserError: The images are unavailable, or the folder is not writable.
    """
    study = STUDIES[TRACED]
    data_options = DataOptions.of(study, data_dir.resolve(), offline)
    grid = build_grid(study, Selection(), data_options, device, console.print)
    if grid.unavailable:
        raise UserError(next(iter(grid.unavailable.values())))
    set_numerics(device, 1)
    page = _followed(grid, console)
    made = {"command": command_line(), "notes": page.notes} | provenance(device)
    texts = {
        "steps.csv": csv_text(page.steps),
        "epochs.csv": csv_text(page.epochs),
        "trace.json": json.dumps(made, indent=1) + "\n",
    }
    files = write_texts(folder, texts)
    print_written([*files, *write_page(trace_figure, page, folder, "trace")], console)


def _followed(grid: Grid, console: Console) -> TracePage:
    traces = {}
    for trial in grid.trials():
        found = trace(trial, grid.datasets[trial.data.name], grid.device)
        traces[trial.method, trial.seed] = found
        end = "trained" if found.diverged_at is None else f"diverged at step {found.diverged_at}"
        console.print(f"{trial}: {end}; SVM accuracy {[round(x, 3) for x in found.epochs['svm_accuracy']]}")
    marks = [mark for dataset in grid.datasets.values() for mark in data_marks(dataset)]
    return TracePage(
        _joined({of: found.steps for of, found in traces.items()}),
        _joined({of: found.epochs for of, found in traces.items()}),
        frozenset(of for of, found in traces.items() if found.diverged_at is not None),
        (*grid.study.notes(), *marks),
    )


def _joined(frames: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames by (method, seed), with the columns method and seed in front."""
    return pd.concat(frames, names=["method", "seed"]).reset_index(["method", "seed"])
