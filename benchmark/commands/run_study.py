"""`run` and `tables`: train and evaluate unfinished trials, and make the tables and the report."""

import textwrap
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import AuditResult, read_results
from benchmark.audit.own_tables import with_own_tables
from benchmark.commands.chosen_executor import chosen_executor, chosen_way, precision_warning
from benchmark.commands.chosen_study import asked_study
from benchmark.commands.closing_lines import WIDTH, closing_lines, cut, fitted
from benchmark.commands.declared_options import argument, flag, option
from benchmark.commands.folders import THROUGHPUT, check_folders
from benchmark.commands.judged_study import make_page
from benchmark.commands.option_types import path
from benchmark.commands.options import ExecutionOptions, StudyOptions
from benchmark.commands.own_datasets import check_own_datasets, data_facts, default_out, own_datasets
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.watching import watched
from benchmark.commands.wording import command_line, shown
from benchmark.errors import UserError
from benchmark.evaluation.backbones import BACKBONES, prepare_weights
from benchmark.evaluation.protocol_settings import METRIC_BACKBONES
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.executors import Executor
from benchmark.execution.heartbeat import Heartbeat
from benchmark.execution.numerics import set_numerics
from benchmark.execution.packs import packs_of
from benchmark.execution.provenance import device_name, provenance
from benchmark.execution.resume import (
    Pending,
    backbones_wanted,
    earlier_manifest,
    log_run,
    metrics_without_score,
    pending,
    write_manifest,
)
from benchmark.execution.reused_trials import finished_records, reuse_trials
from benchmark.execution.slurm import refuse_live_jobs
from benchmark.execution.stored_models import images_in
from benchmark.figures.study_source import StudySource
from benchmark.metrics import METRICS
from benchmark.report.study_verdicts import StudyVerdicts, verdicts_of
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.studies.grid import DataOptions, Grid, Selection, build_grid
from benchmark.studies.metrics_asked import MetricsAsked
from benchmark.studies.trials import Trial
from benchmark.tables.table_files import write_tables
from benchmark.text import one_line
from benchmark.throughput.costs import Costs, longest_first, metric_seconds, read_costs, with_nominal_metric_costs
from benchmark.throughput.throughput_files import MEASUREMENTS
from benchmark.training.pack import default_pack
from benchmark.verdict.verdict_page import can_judge


@dataclass(frozen=True, kw_only=True)
class RunOptions(ExecutionOptions, StudyOptions, OwnMethods):
    """The options of `run`."""

    out: Path | None = option(type=path, help="results folder (default: results/runs/STUDY)")
    strict: bool = flag(help="stop at the first trial that diverges or fails")
    deterministic: bool = flag(help="treat nondeterministic operations as errors")
    force: bool = flag(help="delete the records and checkpoints of the selected trials first")
    reuse: Path | None = option(
        type=path,
        metavar="FOLDER",
        help="copy records and checkpoints of the same trials from another results folder first",
    )
    no_report: bool = flag(help="make only the tables: no figures, verdicts or report.html")


def run(options: RunOptions, console: Console) -> int:
    """Train and evaluate unfinished trials, then make the tables and the report.

    Returns:
        The exit status: 0 if every trial is done, 3 if some failed, diverged, were not run or have no images.

    Raises:
        UserError: An option is impossible, requested images are unavailable, or the results folder is not writable,
            contains another study or is in use by another command.
    """
    started = time.monotonic()
    device, executor = chosen_executor(options, options.device)
    way = chosen_way(options.way, options.precision, device)  # raises errors before a folder is created
    with Heartbeat(console) as heartbeat:
        with heartbeat.during("looking for the images"):
            grid = _grid(options, device, console)
        store = Store(options.out or default_out(grid), console.print)
        executor.check_folder(store)
        with store.locked():
            all_computed = _run(options, heartbeat, grid, executor, way, store)
            study, audited = _make_tables(store, heartbeat)
            verdicts = _verdicts(study, audited, heartbeat)
            reported = not options.no_report and _make_report(
                options, heartbeat, store, study, audited, verdicts, device
            )
        seconds = time.monotonic() - started
        for line in closing_lines(
            study, verdicts, store.folder, seconds, report=reported, method_files=options.method_file
        ):
            console.print(line)
    return study.exit_status if all_computed else 3


@dataclass(frozen=True, kw_only=True)
class TablesOptions:
    """The options of `tables`."""

    out: Path = argument(type=path, help="results folder, for instance results/runs/laptop")


def tables(options: TablesOptions, console: Console) -> int:
    """Make the tables from existing records.

    Returns:
        The exit status, as for `run`.

    Raises:
        UserError: The folder has no study, is not writable or is in use by another command.
    """
    store = Store(options.out, console.print)
    store.study_manifest()
    with Heartbeat(console) as heartbeat, store.locked():
        study, audited = _make_tables(store, heartbeat)
        verdicts = _verdicts(study, audited, heartbeat)
    for line in closing_lines(study, verdicts, store.folder, report=False):
        console.print(line)
    return study.exit_status


def _run(options: RunOptions, heartbeat: Heartbeat, grid: Grid, executor: Executor, way: str, store: Store) -> bool:
    """Train and evaluate trials; return False if requested metrics are unavailable or need a new training."""
    started, console, device = time.monotonic(), heartbeat.console, grid.device
    executor.check(store)
    earlier_manifest(store, grid)  # raises errors before --force deletes, or --reuse copies, anything
    trials = grid.trials()
    reused = _forced_and_reused(options, trials, store, console)
    context, at_hand = _context_with_weights(options, trials, grid, way, store, heartbeat)
    left_out, missing = context.left_out, context.weights_missing
    found = pending(trials, store, at_hand, left_out)
    packs = packs_of(trials, found.to_do, options.pack or default_pack(device))
    known_costs = read_costs(THROUGHPUT / MEASUREMENTS, device)
    if grid.study.paired_precision is None:  # otherwise the two trials of a pair stay together
        packs = longest_first(packs, known_costs, left_out)
    # As in the worker processes, so that the provenance recorded here also applies to them.
    set_numerics(device, executor.threads, options.deterministic)
    _print_summary(grid, console)
    done = len(trials) - len(found.to_do)
    console.print(f"{len(trials)} trials, {done} done already; {executor.says} on {device_name(device)}")
    _print_pending(found, device, console)
    not_at_hand = {metric for metric, backbone in METRIC_BACKBONES.items() if backbone in missing}
    not_had = [metric for metric in MetricsAsked.parse(options.metrics).added if metric in not_at_hand]
    for name in not_had:
        console.print(f"--metrics {name}: cannot be computed; {missing[METRIC_BACKBONES[name]]}")
    if gone := write_manifest(store, grid):
        console.print(
            f"{gone} cells of an earlier run are removed from the tables: their seeds, weights, images, device or "
            "code were different (their records are kept)"
        )
    ended, earlier_runs = reused, store.study_manifest().plain["runs"]

    def log() -> None:
        seconds = round(time.monotonic() - started, 1)
        run = {"command": command_line(), "trials": ended, "wall_seconds": seconds}
        log_run(store, earlier_runs, run | {"way": way} | dict(executor.noted) | provenance(device))

    if found.to_do:
        data = DataOptions.of(grid.study, options.data_dir.resolve(), offline=True)
        cost = _metric_seconds(found.to_do, store, left_out | not_at_hand, with_nominal_metric_costs(known_costs))
        for _ in watched(executor, packs, context, data, heartbeat, options.strict, cost):
            ended += 1
            log()  # after every trial, because a run may be killed
    lacking = pending(found.to_complete, store, at_hand, left_out).to_complete
    if lacking:
        console.print(f"{len(lacking)} trials still lack requested metrics; the same command adds them")
    if found.to_do or reused:
        log()
    return not (found.without_checkpoint or lacking or not_had)


def _forced_and_reused(options: RunOptions, trials: list[Trial], store: Store, console: Console) -> int:
    """Delete what --force names and copy what --reuse names; return the number of copied trials.

    Raises:
        UserError: The folder of --reuse is unusable, which is found before anything is deleted, or a job still runs.
    """
    folder, there = options.reuse, []
    if folder is not None:
        if folder.resolve() == store.folder.resolve():
            raise UserError(f"--reuse {folder}: is this run's own results folder; give another one")
        there = finished_records(folder, console.print)
    if options.force:
        refuse_live_jobs(store)
        store.forget([trial.key for trial in trials])
    if folder is None:
        return 0
    count = reuse_trials(trials, store, there, folder, console.print)
    rest = "" if count == len(trials) else "; the others are finished here or have no such result there"
    console.print(f"{count} of {len(trials)} trials copied from {shown(folder)}{rest}")
    return count


def _context_with_weights(
    options: RunOptions, trials: list[Trial], grid: Grid, way: str, store: Store, heartbeat: Heartbeat
) -> tuple[TrialContext, set[str]]:
    """Obtain the pretrained weights that metrics need; return the context of trials and the names of files at hand."""
    # Scores of procedural images mean nothing, so no metric weights are downloaded for them.
    offline = options.offline or grid.study.images == "drawn"
    left_out = frozenset(grid.study.metrics_left_out)
    needed = {name: BACKBONES[name] for name in backbones_wanted(trials, store, left_out)}
    with heartbeat.during("metric weights"):
        missing = prepare_weights(
            needed, options.weights_dir, offline=offline, report=lambda line: heartbeat.console.print(cut(line))
        )
    context = TrialContext(
        store.folder.resolve(),
        grid.device,
        options.weights_dir,
        way=way,
        deterministic=options.deterministic,
        method_files=tuple(file.resolve() for file in options.method_file),
        weights_missing=missing,
        left_out=left_out,
    )
    return context, {backbone.file_name for name, backbone in needed.items() if name not in missing}


def _print_pending(found: Pending, device: str, console: Console) -> None:
    """Print what the trials to be done need besides a training, and which precisions are slow on the device."""
    for precision in sorted({trial.training.precision for trial in found.to_do}):
        if slow := precision_warning(precision, device):
            console.print(slow)
    if found.to_complete:
        console.print(f"{len(found.to_complete)} of them need no training, only metrics missing from their records")
    if found.without_checkpoint:
        console.print(
            f"{len(found.without_checkpoint)} trials lack requested metrics, and their checkpoints are missing; "
            "--force trains them again"
        )


def _metric_seconds(trials: list[Trial], store: Store, absent: Collection[str], costs: Costs) -> dict[str, float]:
    """Forecast, by trial key, the seconds of metrics of pretrained networks, without the `absent` ones."""
    found = {}
    for trial in trials:
        wanted = metrics_without_score(trial, store.read_record(trial.key))
        left_out = [name for name in METRIC_BACKBONES if name in absent or name not in wanted]
        found[trial.key] = sum(metric_seconds([trial], costs, left_out).values())
    return found


def _grid(options: RunOptions, device: str, console: Console) -> Grid:
    """Make the grid to run; raise UserError if it has no images at all."""
    check_folders(options.data_dir, options.weights_dir)
    selection = Selection.parse(options.only, own_datasets(options.data_dir))
    study, why = asked_study(options, device, selection)
    console.print(textwrap.fill(f"Study {study.name}: {why}", WIDTH, break_long_words=False, break_on_hyphens=False))
    data = DataOptions.of(study, options.data_dir, options.offline)
    grid = build_grid(study, selection, data, device, console.print)
    if not grid.datasets:
        check_own_datasets(grid)
        raise UserError("; ".join(grid.unavailable.values()))
    return grid


def _print_summary(grid: Grid, console: Console) -> None:
    """Print one line each about reductions and images; the tables' captions have all details."""
    left_out = grid.study.metrics_left_out
    labels = ", ".join(METRICS[metric].label for metric in left_out)
    facts = {
        "  reduced: ": grid.study.notes(),
        "  images: ": data_facts(grid),
        "  not computed: ": [f"{labels}; --metrics {','.join(left_out)} adds it later"] if left_out else [],
        "  no images: ": [f"{name}: {one_line(reason)}" for name, reason in grid.unavailable.items()],
    }
    for start, items in facts.items():
        if items:
            console.print(fitted(start, items))


def _make_tables(store: Store, heartbeat: Heartbeat) -> tuple[StudyResults, Mapping[str, AuditResult]]:
    """Write the tables; return the study that they show and the results of its audit."""
    with heartbeat.during("tables"):
        study = store.read_study()
        audited = read_results(store, list(study.records))
        write_tables(with_own_tables(study, audited), store.folder / "tables")
    return study, audited


def _make_report(
    options: RunOptions,
    heartbeat: Heartbeat,
    store: Store,
    study: StudyResults,
    audited: Mapping[str, AuditResult],
    verdicts: StudyVerdicts | None,
    device: str,
) -> bool:
    """Write figures, verdicts and report; if that fails, print one line and return False."""
    source = StudySource(study, store.checkpoint_path, images_in(options.data_dir, offline=True), device)
    try:
        make_page(store, source, audited, verdicts, heartbeat, formats=("png",))  # `judge` also makes PDF
    except (OSError, UserError) as error:
        heartbeat.console.print(f"No report: {one_line(str(error))}; `judge` makes it from the results so far")
        return False
    return True


def _verdicts(study: StudyResults, audited: Mapping[str, AuditResult], heartbeat: Heartbeat) -> StudyVerdicts | None:
    """Return the study's verdicts on the paper; None if it has none."""
    if not can_judge(study.manifest):
        return None
    with heartbeat.during("verdicts"):
        return verdicts_of(study, audited)
