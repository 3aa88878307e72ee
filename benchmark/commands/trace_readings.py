"""`trace`: the readings of HGMVAE-G's loss under way, step by step and epoch by epoch."""

import argparse
import json

import pandas as pd
from rich.console import Console

from benchmark.commands.choices import RUNS, check_folders, chosen_device, command_line, shown
from benchmark.controls.figure import Page, trace_figure
from benchmark.controls.trace import trace
from benchmark.errors import UserError
from benchmark.execution.grid import DataOptions, Grid, Selection, build_grid, data_marks
from benchmark.execution.numerics import set_numerics
from benchmark.execution.provenance import provenance
from benchmark.figures.write import write_page
from benchmark.files import write_text
from benchmark.reporting.csv_text import csv_text
from benchmark.studies import STUDIES


def trace_readings(options: argparse.Namespace, console: Console) -> int:
    """Train every trial of the study `readings`, looking on; write steps.csv, epochs.csv, trace.json and the figure.

    Raises UserError where the images cannot be had or the folder takes no more.
    """
    check_folders(options)
    device, study = chosen_device(options.device), STUDIES["readings"]
    data_options = DataOptions.of(study, options.data_dir.resolve(), options.offline)
    grid = build_grid(study, Selection(), data_options, "default", device, console.print)
    for reason in grid.unavailable.values():
        raise UserError(reason)
    set_numerics(device, 1)
    page = _followed(grid, console)
    folder = options.out or RUNS / study.name / "trace"
    write_text(folder / "steps.csv", csv_text(page.steps))
    write_text(folder / "epochs.csv", csv_text(page.epochs))
    made = {"command": command_line(), "notes": page.notes} | provenance(device)
    write_text(folder / "trace.json", json.dumps(made, indent=1) + "\n")
    write_page(trace_figure, page, folder, "trace")
    console.print(f"Written: {shown(folder)}/steps.csv, epochs.csv, trace.json, trace.png")
    return 0


def _followed(grid: Grid, console: Console) -> Page:
    steps, epochs, diverged = [], [], set()
    for trial in grid.trials():
        found = trace(trial, grid.datasets[trial.data.name], grid.device)
        if found.diverged_at is not None:
            diverged.add((trial.method, trial.seed))
        steps.append(found.steps.assign(method=trial.method, seed=trial.seed))
        epochs.append(found.epochs.assign(method=trial.method, seed=trial.seed))
        end = "trained" if found.diverged_at is None else f"diverged at step {found.diverged_at}"
        console.print(f"{trial}: {end}; SVM accuracy {[round(x, 3) for x in found.epochs['svm_accuracy']]}")
    marks = [mark for dataset in grid.datasets.values() for mark in data_marks(dataset)]
    notes = (*grid.study.notes(), *marks)
    return Page(_leading(steps), _leading(epochs), frozenset(diverged), notes)


def _leading(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The frames one below another, method and seed in front."""
    frame = pd.concat(frames, ignore_index=True)
    return frame[["method", "seed", *frame.columns.drop(["method", "seed"])]]
