"""`run` and `tables`: train and evaluate the trials that are to do, and make the tables."""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.audit.own_tables import with_own_tables
from benchmark.commands.chosen_executor import chosen_executor, chosen_way
from benchmark.commands.chosen_study import study_at_hand, study_with_options
from benchmark.commands.declared_options import argument, flag, option
from benchmark.commands.folders import check_folders
from benchmark.commands.option_types import path
from benchmark.commands.options import ExecutionOptions, StudyOptions
from benchmark.commands.own_datasets import check_own_datasets, data_facts, default_out, own_datasets
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.watching import watched
from benchmark.commands.wording import command_line, shown
from benchmark.errors import UserError
from benchmark.evaluation.backbones import weights_at_hand
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.executors import Executor
from benchmark.execution.numerics import set_numerics
from benchmark.execution.packs import packs_of
from benchmark.execution.progress import minutes
from benchmark.execution.provenance import device_name, provenance
from benchmark.execution.resume import log_run, pending, write_manifest
from benchmark.execution.slurm import refuse_live_jobs
from benchmark.results.frame import NO_DATA
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions, Grid, Selection, build_grid
from benchmark.tables.layout import build_tables
from benchmark.tables.markdown import render_text
from benchmark.tables.table_files import write_tables
from benchmark.tables.terminal import print_markdown
from benchmark.text import one_line
from benchmark.training.pack import default_pack


@dataclass(frozen=True, kw_only=True)
class RunOptions(ExecutionOptions, StudyOptions, OwnMethods):
    """The options of `run`."""

    out: Path | None = option(type=path, help="results folder (default: results/runs/STUDY)")
    strict: bool = flag(help="stop at the first trial that does not end well")
    deterministic: bool = flag(help="an operation that cannot be repeated bit by bit is an error")
    force: bool = flag(help="first forget the records and checkpoints of the trials asked for")


def run(options: RunOptions, console: Console) -> int:
    """Train and evaluate the trials that are not done yet, then make the tables.

    Returns:
        The exit status: 0 where every trial is done, 3 where some failed, diverged, were not run or have no images.

    Raises:
        UserError: An option cannot be met, images that were asked for cannot be had, or the results folder cannot be
            written, holds another study or is in use by another command.
    """
    started = time.monotonic()
    device, executor = chosen_executor(options, options.device)
    grid, why = _grid(options, device, console)
    out = options.out or default_out(grid)
    store = Store(out, console.print)
    executor.check_folder(store)
    with store.locked():
        status = _run(options, console, grid, executor, device, store)
    console.print(f"{minutes(time.monotonic() - started)}; tables: {shown(out)}/tables")
    drawn = " on procedural images: its numbers say nothing about the methods" if grid.study.images == "drawn" else ""
    console.print(f"Study {grid.study.name} ({why}){drawn}")
    return status


@dataclass(frozen=True, kw_only=True)
class TablesOptions:
    """The options of `tables`."""

    out: Path = argument(type=path, help="results folder, for instance results/runs/laptop")


def tables(options: TablesOptions, console: Console) -> int:
    """Make the tables again from the records.

    Returns:
        The exit status, as of `run`.

    Raises:
        UserError: The folder has no study, cannot be written or is in use by another command.
    """
    store = Store(options.out, console.print)
    store.study_manifest()
    with store.locked():
        return _make_tables(store, console)


def _run(options: RunOptions, console: Console, grid: Grid, executor: Executor, device: str, store: Store) -> int:
    started = time.monotonic()
    # Scores of procedural images mean nothing, so no metric weights are downloaded for them.
    offline = options.offline or grid.study.images == "drawn"
    context = TrialContext(
        store.folder.resolve(),
        device,
        options.weights_dir,
        offline,
        way=chosen_way(options.way, options.precision, device),
        deterministic=options.deterministic,
        method_files=tuple(file.resolve() for file in options.method_file),
    )
    executor.check(store)
    trials = grid.trials()
    if options.force:
        refuse_live_jobs(store)
        store.forget([trial.key for trial in trials])
    to_do = pending(trials, store, weights_at_hand(options.weights_dir))
    packs = packs_of(trials, to_do, options.pack or default_pack(device))
    # As in the worker processes, so that the provenance recorded here is theirs, too.
    set_numerics(device, executor.threads, options.deterministic)
    _print_summary(grid, console)
    console.print(
        f"{len(trials)} trials, {len(trials) - len(to_do)} done already; {executor.says} on {device_name(device)}"
    )
    if left_out := write_manifest(store, grid):
        console.print(
            f"{left_out} cells of an earlier run leave the tables: seeds, weights, images, device or code were others "
            "(their records are kept)"
        )
    if to_do:
        data = DataOptions.of(grid.study, options.data_dir.resolve(), offline=True)
        ended = watched(executor, packs, context, data, console, options.strict)
        seconds = round(time.monotonic() - started, 1)
        run = {"command": command_line(), "trials": ended, "wall_seconds": seconds}
        log_run(store, run | {"way": context.way} | dict(executor.noted) | provenance(device))
    return _make_tables(store, console)


def _grid(options: RunOptions, device: str, console: Console) -> tuple[Grid, str]:
    """The grid to run, and why; UserError where it has no images at all."""
    check_folders(options.data_dir, options.weights_dir)
    selection = Selection.parse(options.only, own_datasets(options.data_dir))
    study, why = study_at_hand(options.study, device, selection, options.data_dir)
    study = study_with_options(study, options.precision, options.seeds, options.tsne)
    console.print(f"Study {study.name}: {why}")
    data = DataOptions.of(study, options.data_dir, options.offline)
    grid = build_grid(study, selection, data, options.weights, device, console.print)
    if not grid.datasets:
        check_own_datasets(grid)
        raise UserError("; ".join(grid.unavailable.values()))
    return grid, why


def _print_summary(grid: Grid, console: Console) -> None:
    for note in grid.study.notes():
        console.print(f"  reduced: {note}")
    for fact in data_facts(grid):
        console.print(f"  {fact}")
    for name, reason in grid.unavailable.items():
        console.print(f"  not available: {name}: {reason}")


def _make_tables(store: Store, console: Console) -> int:
    """Write and print the tables; the exit status of `run`."""
    study = store.read_study()
    shown_too = with_own_tables(study, read_results(store, list(study.records)))
    write_tables(shown_too, store.folder / "tables")
    for table in build_tables(shown_too):
        print_markdown(console, render_text(table))
    counts = study.summary
    no_data = f", {counts.no_data} without data" if counts.no_data else ""
    console.print(
        f"{counts.ok} trials ok, {counts.diverged} diverged, {counts.failed} failed, {counts.not_run} not run{no_data}"
    )
    for record in study.records.values():
        if not record.ok:
            console.print(f"  {record.identity}: {record.status}: {record.failure}")
    for name, reason in study.manifest.unavailable.items():
        console.print(f"  {name}: {NO_DATA}: {one_line(reason)}")
    if counts.not_run:
        console.print("  not run: the `run` that began this study goes on with them")
    return 0 if counts.ok == sum(dataclasses.astuple(counts)) and not study.manifest.unavailable else 3
