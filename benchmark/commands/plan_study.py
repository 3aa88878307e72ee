"""`plan`: print what `run` would do, download and cost."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.chosen_study import asked_study
from benchmark.commands.declared_options import flag, option
from benchmark.commands.folders import THROUGHPUT, check_folders
from benchmark.commands.option_types import path, positive
from benchmark.commands.options import JOBS, StudyOptions
from benchmark.commands.own_datasets import check_own_datasets, data_facts, default_out, own_datasets
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.data.load import Availability, describe
from benchmark.data.specs import DATASETS
from benchmark.evaluation.backbones import BACKBONES, weights_at_hand
from benchmark.evaluation.protocol_settings import METRIC_BACKBONES
from benchmark.execution.numerics import set_numerics
from benchmark.execution.process_plan import ProcessPlan, process_plan
from benchmark.execution.resume import pending
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions, Selection, build_grid
from benchmark.studies.trials import Trial
from benchmark.text import minutes
from benchmark.throughput.costs import (
    Costs,
    forecast,
    measured_costs,
    metric_seconds,
    read_costs,
    with_metric_costs,
)
from benchmark.throughput.throughput_files import MEASUREMENTS

BYTES_PER_PARAMETER = 4  # float32


@dataclass(frozen=True, kw_only=True)
class PlanOptions(StudyOptions, OwnMethods):
    """The options of `plan`."""

    out: Path | None = option(type=path, help="results folder to search for finished trials")
    jobs: int | None = option(type=positive, help=JOBS)
    trials: bool = flag(help="list every trial on its own line, with its key")


def plan(options: PlanOptions, console: Console) -> int:
    """Print what `run` would do and its approximate duration, without running or downloading anything.

    Returns:
        The exit status, 0.

    Raises:
        UserError: An option is impossible, such as an unusable device or an --only that leaves no cell, or one of the
            user's own data sets is unavailable.
    """
    device = chosen_device(options.device)
    check_folders(options.data_dir, options.weights_dir)
    selection = Selection.parse(options.only, own_datasets(options.data_dir))
    study, why = asked_study(options, device, selection)
    console.print(f"Study {study.name}: {why}")
    data = DataOptions.of(study, options.data_dir, offline=True)  # plan downloads nothing
    grid = build_grid(study, selection, data, device, console.print)
    check_own_datasets(grid)
    for note in grid.study.notes():
        console.print(f"  reduced: {note}")
    for fact in data_facts(grid):
        console.print(f"  {fact}")
    here, missing = grid.trials(), grid.expected_trials()
    asked = {name for metric, name in METRIC_BACKBONES.items() if metric not in grid.study.metrics_left_out}
    backbones = {name: BACKBONES[name] for name in asked}
    weights = weights_at_hand(options.weights_dir, backbones)  # hashes each file
    for table in {table.number: table for table in grid.study.tables}.values():
        cells = [cell for cell in grid.cells if cell.table == table.number]
        console.print(f"Table {table.number}: {len(cells)} cells x {grid.study.seeds} seeds, protocol {table.protocol}")
    at_hand = f", {len(here)} of them with available data" if missing else ""
    console.print(f"{len(here) + len(missing)} unique trials{at_hand}")
    for name in grid.unavailable:
        _print_download(describe(name, options.data_dir), console)
    if any("reconstruction" in trial.protocols for trial in here + missing) and grid.study.images != "drawn":
        absent = {backbone.file_name for backbone in backbones.values()} - weights
        for file_name in sorted(absent):
            console.print(f"To download: {file_name}, for FID or LPIPS; or put it into --weights-dir")
    if options.trials:
        for trial in here + missing:
            key = trial.key[:12] if trial in here else "no data yet "
            console.print(f"{key}  {trial}  {'+'.join(trial.protocols)}")
    else:
        for what, seeds in _over_seeds(here + missing).items():
            console.print(f"  {what} seed={seeds}")
    out = options.out or default_out(grid)
    left_out = frozenset(grid.study.metrics_left_out)
    found = pending(here, Store(out, console.print, look_only=True), weights, left_out)
    to_do = found.to_do + missing
    again = f", {len(found.to_complete)} of them without training" if found.to_complete else ""
    console.print(f"{len(here) + len(missing) - len(to_do)} done in {shown(out)}, {len(to_do)} to run{again}")
    workers = process_plan(device, options.jobs)
    set_numerics(device, workers.threads)
    workers = dataclasses.replace(workers, trainers=max(1, min(workers.trainers, len(to_do))))
    costs = with_metric_costs(to_do or here, read_costs(THROUGHPUT / MEASUREMENTS, device), device)
    _print_metric_costs(to_do or here, costs, left_out, console)
    if to_do:
        to_train = [trial for trial in to_do if trial not in found.to_complete]
        _print_forecast(to_train, metric_seconds(to_do, costs, left_out), costs, device, workers, console)
    return 0


def _over_seeds(trials: list[Trial]) -> dict[str, str]:
    """Group trials that differ only in their seed: their description -> their seeds, such as "0..9"."""
    seeds: dict[str, list[int]] = {}
    for trial in trials:
        without_seed, _, _ = str(trial).rpartition(" seed=")
        what = f"{without_seed} {'+'.join(trial.protocols)}"
        seeds.setdefault(what, []).append(trial.seed)
    return {what: f"{min(of)}..{max(of)}" if len(of) > 1 else str(of[0]) for what, of in seeds.items()}


def _print_download(found: Availability, console: Console) -> None:
    if found.download_url:
        size = f"about {found.download_bytes / 1e6:,.0f} MB" if found.download_bytes else "size not known"
        console.print(f"To download: {found.label}, {size}, {found.download_url}; or {found.advice}")


def _print_metric_costs(trials: list[Trial], costs: Costs, left_out: frozenset[str], console: Console) -> None:
    for metric, seconds in metric_seconds(trials, costs, ()).items():
        how = f"; left out, --metrics {metric} adds it at any time" if metric in left_out else ""
        console.print(f"  {METRICS[metric].label}: about {minutes(seconds)} of one process's time in all{how}")


def _print_forecast(
    trials: list[Trial],
    of_metrics: dict[str, float],
    known: Costs,
    device: str,
    workers: ProcessPlan,
    console: Console,
) -> None:
    cost = forecast(trials, measured_costs(trials, known, device))
    cost = dataclasses.replace(cost, evaluation=cost.evaluation | of_metrics)
    source = "by `throughput`" if known.steps else "just now"
    parts = ", ".join(f"{name} {minutes(seconds)}" for name, seconds in cost.evaluation.items())
    console.print(
        f"About {minutes(cost.wall(workers))}, {workers.says}: training {minutes(cost.training)}, {parts} "
        f"of one process's time (measured {source} on small samples and scaled)"
    )
    prepared = sum(DATASETS[name].prepared_bytes for name in {trial.data.name for trial in trials} & set(DATASETS))
    if not trials:
        return
    console.print(
        f"Disk: about {_checkpoint_bytes(trials) / 1e9:.1f} GB of checkpoints"
        + ("" if trials[0].data.kind == "procedural" else f", {prepared / 1e9:.1f} GB of prepared images")
    )


def _checkpoint_bytes(trials: list[Trial]) -> int:
    """Return the size of all checkpoints, without the kilobytes of buffers and metadata."""
    kinds = Counter((t.method, t.data.image_shape, t.latent_dim, t.training.width) for t in trials)
    counts = (n * ALL_METHODS[method].parameters(shape, d, width) for (method, shape, d, width), n in kinds.items())
    return BYTES_PER_PARAMETER * sum(counts)
