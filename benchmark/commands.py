"""What each subcommand does. Everything below this layer takes plain values and prints nothing."""

import argparse
import dataclasses
import hashlib
import os
import re
import shlex
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.markdown import Markdown

from benchmark.cards import render_all_cards, render_card
from benchmark.data import DATASETS, Availability, describe, load_dataset
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation import backbones
from benchmark.execution.forecast import forecast
from benchmark.execution.grid import DataOptions, Grid, Selection, build_grid, expected_data, make_trial
from benchmark.execution.numerics import set_numerics
from benchmark.execution.progress import minutes, progress_view
from benchmark.execution.provenance import device_name, provenance
from benchmark.execution.resume import log_run, pending, write_manifest
from benchmark.execution.speed import device_rate, measure
from benchmark.execution.store import Store, write_json
from benchmark.execution.trial import TrialContext
from benchmark.execution.workers import default_jobs, run_trials
from benchmark.files import REPOSITORY
from benchmark.methods import METHODS
from benchmark.reporting import build_tables, render_text, summary, write_tables
from benchmark.studies import STUDIES, Study
from benchmark.trials import Trial

DEFAULT_DATA_DIR = REPOSITORY / "data"
RUNS = REPOSITORY / "results" / "runs"
# Measured: an HGMVAE checkpoint at full width takes 7 MB at d = 8 and 12 MB at d = 128.
CHECKPOINT_MB_PER_MILLION_PARAMETERS = 4


def run(options: argparse.Namespace, console: Console) -> int:
    """Train and evaluate what is not yet done, then make the tables."""
    started = time.monotonic()
    device = _device(options.device)
    grid, why = _grid(options, device, console)
    out = options.out or _default_out(grid)
    store = Store(out, console.print)
    with store.locked():
        status = _run(options, console, grid, device, store)
    console.print(f"{minutes(time.monotonic() - started)}; tables: {_shown(out)}/tables")
    procedural = " on procedural images: its numbers say nothing about the methods" if grid.study.procedural else ""
    console.print(f"Study {grid.study.name} ({why}){procedural}")
    return status


def _run(options: argparse.Namespace, console: Console, grid: Grid, device: str, store: Store) -> int:
    started = time.monotonic()
    # Scores of drawn images mean nothing, so no weights are downloaded for them.
    offline = options.offline or grid.study.procedural
    context = TrialContext(store.folder.resolve(), device, options.weights_dir, offline, not options.force)
    trials = grid.trials()
    to_do = trials if options.force else pending(trials, store, _weights_at_hand(options.weights_dir))
    jobs = options.jobs or default_jobs(device)
    threads = _threads(device, jobs)
    set_numerics(device, threads)  # as in the workers, so that what is recorded here is true of them
    _print_face(grid, console)
    console.print(
        f"{len(trials)} trials, {len(trials) - len(to_do)} done already; {jobs} at once on {device_name(device)}"
    )
    if left_out := write_manifest(store, grid):
        console.print(
            f"{left_out} cells of an earlier run leave the tables: seeds, weights, images, device or code were others "
            "(their records are kept)"
        )
    if to_do:
        _train_and_evaluate(to_do, grid, context, jobs, threads, options.data_dir, console)
        seconds = round(time.monotonic() - started, 1)
        run = {"command": _command_line(), "trials": len(to_do), "jobs": jobs, "wall_seconds": seconds}
        log_run(store, run | provenance(device))
    return _make_tables(store, console)


def plan(options: argparse.Namespace, console: Console) -> int:
    """Print what `run` would do, and about how long it would take; run nothing."""
    device = _device(options.device)
    _check_folders(options)
    study, why = _choose_study(options, device)
    console.print(f"Study {study.name}: {why}")
    data = DataOptions.of(study, options.data_dir, offline=True)  # plan downloads nothing
    grid = build_grid(study, Selection.parse(options.only), data, options.weights, device, console.print)
    _check_own_datasets(grid)
    for note in grid.study.notes():
        console.print(f"  reduced: {note}")
    if not grid.datasets and not options.study:
        console.print("No images are at hand: where they cannot be fetched, `run` takes the smoke study instead")
    here, missing = grid.trials(), grid.expected_trials()
    for table in grid.study.tables:
        cells = [cell for cell in grid.cells if cell.table == table.number]
        console.print(f"Table {table.number}: {len(cells)} cells x {grid.study.seeds} seeds, protocol {table.protocol}")
    at_hand = f", {len(here)} of them with the data at hand" if missing else ""
    console.print(f"{len(here) + len(missing)} unique trials{at_hand}")
    for name in grid.unavailable:
        _print_download(describe(name, options.data_dir), console)
    if any("reconstruction" in trial.protocols for trial in here + missing) and not grid.study.procedural:
        absent = {b.file_name for b in backbones.BACKBONES.values()} - _weights_at_hand(options.weights_dir)
        for file_name in sorted(absent):
            console.print(f"To download: {file_name}, for FID or LPIPS; or put it into --weights-dir")
    if options.trials:
        for trial in here + missing:
            key = trial.key[:12] if trial in here else "no data yet "
            console.print(f"{key}  {trial}  {'+'.join(trial.protocols)}")
    else:
        for trial, seeds in _over_seeds(here + missing).items():
            console.print(f"  {trial} seed={seeds}")
    out = options.out or _default_out(grid)
    to_do = pending(here, Store(out, console.print, look_only=True), _weights_at_hand(options.weights_dir)) + missing
    console.print(f"{len(here) + len(missing) - len(to_do)} done in {_shown(out)}, {len(to_do)} to run")
    if to_do:
        _print_forecast(to_do, device, options, console)
    return 0


def _over_seeds(trials: list[Trial]) -> dict[str, str]:
    """Trials that differ in their seed alone, on one line: what they are -> their seeds, such as "0..9"."""
    seeds: dict[str, list[int]] = {}
    for trial in trials:
        what = f"{trial.data.name} {trial.method} d={trial.latent_dim} {'+'.join(trial.protocols)}"
        seeds.setdefault(what, []).append(trial.seed)
    return {what: f"{min(of)}..{max(of)}" if len(of) > 1 else str(of[0]) for what, of in seeds.items()}


def _print_download(found: Availability, console: Console) -> None:
    if found.download_url:
        size = f"about {found.download_bytes / 1e6:,.0f} MB" if found.download_bytes else "size not known"
        console.print(f"To download: {found.label}, {size}, {found.download_url}; or {found.advice}")


def _print_forecast(trials: list[Trial], device: str, options: argparse.Namespace, console: Console) -> None:
    jobs = options.jobs or default_jobs(device)
    set_numerics(device, _threads(device, jobs))
    cost = forecast(trials, TrialContext(Path(), device, options.weights_dir, offline=True))
    parts = ", ".join(f"{name} {minutes(seconds)}" for name, seconds in cost.evaluation.items())
    console.print(
        f"About {minutes(cost.wall(jobs))} with {jobs} at once: training {minutes(cost.training)}, {parts} "
        "of one worker's time (measured just now on small samples and scaled)"
    )
    prepared = sum(DATASETS[name].prepared_bytes for name in {trial.data.name for trial in trials} & set(DATASETS))
    console.print(
        f"Disk: about {len(trials) * _checkpoint_mb(trials) / 1000:.1f} GB of checkpoints"
        + ("" if trials[0].data.kind == "procedural" else f", {prepared / 1e9:.1f} GB of prepared images")
    )


def tables(options: argparse.Namespace, console: Console) -> int:
    """Make the tables again from the records."""
    store = Store(options.out, console.print)
    if store.read_manifest() is None:
        raise UserError(f"{options.out}: no manifest.json here; give a results folder that `run` has made")
    with store.locked():
        return _make_tables(store, console)


def fetch(options: argparse.Namespace, console: Console) -> int:
    """Download and prepare data sets and metric weights."""
    wanted = options.what or [*DATASETS, "weights"]
    unknown = set(wanted) - {*DATASETS, "weights"}
    if unknown:
        raise UserError(f"fetch {sorted(unknown)[0]}: there are {', '.join(DATASETS)} and weights")
    missing = 0
    for name in wanted:
        if name == "weights":
            missing += _fetch_weights(options, console)
            continue
        try:
            dataset = load_dataset(name, options.data_dir, offline=options.offline, report=console.print)
        except DataUnavailable as error:
            console.print(f"{name}: {error}")
            missing += 1
            continue
        counts = f"{dataset.n_train:,} + {dataset.n_test:,} images"
        console.print(f"{name}: {counts} from {dataset.source}, sha256 {dataset.digest}")
    return 3 if missing else 0


def speed(options: argparse.Namespace, console: Console) -> int:
    """Measure how fast a study trains here, beside pythae's trainer, packs of seeds and the arithmetic's floor.

    One of each kind of trial, at d = 8 and 128 unless --only names others; on noise, so no data are needed.
    """
    device = _device(options.device)
    study, why = _choose_study(options, device)
    console.print(f"Study {study.name}: {why}; {device_name(device)}")
    if options.out and not options.out.parent.is_dir():
        raise UserError(f"--out {options.out}: its folder does not exist; make it first")
    set_numerics(device, options.threads or default_jobs("cpu"))
    selection = Selection.parse(options.only)
    selection.check(study)
    dims = {cell.latent_dim for cell in study.cells()} if "latent_dim" in selection.axes else {8, 128}
    data = {name: expected_data(study, spec) for name, spec in DATASETS.items()}
    cells = [cell for cell in study.cells() if cell.latent_dim in dims and selection.keeps(cell)]
    kinds = {(cell.method, data[cell.dataset].image_shape, cell.latent_dim): cell for cell in cells}
    if not kinds:
        raise UserError("--only: nothing is left at d = 8 and 128; add a latent_dim")
    rate = device_rate(device)
    console.print(f"Large convolutions: {rate / 1e9:,.0f} GFLOP/s with {torch.get_num_threads()} threads")
    measured = []
    for cell in kinds.values():
        trial = make_trial(study, cell, 0, data[cell.dataset], options.weights, device)
        found = measure(trial, device, rate, pack_size=options.pack)
        measured.append(dataclasses.asdict(found))
        console.print(
            f"{found.method:20} {'x'.join(map(str, found.image_shape)):8} d={found.latent_dim:<4} "
            f"{found.operations_per_image / 1e6:6.1f} MFLOP an image; {1000 * found.step_seconds:7.2f} ms a step, "
            f"{found.floor_share:4.0%} of it arithmetic; pythae {found.pythae_ratio:.2f} times as long, "
            f"{found.pack_size} seeds packed {found.packed_ratio:.2f} times (per seed)"
        )
    if options.out:
        content = {"command": _command_line(), "device_rate": rate, "speeds": measured} | provenance(device)
        write_json(options.out, content)
    return 0


def methods(options: argparse.Namespace, console: Console) -> int:
    """List the methods, or print one card or all."""
    if options.all:
        print(render_all_cards(), end="")
        return 0
    if options.name:
        card = render_card(options.name)
        console.print(Markdown(card) if console.is_terminal else card)
        return 0
    for name, method in METHODS.items():
        console.print(f"{name:20} {method.label:20} {method.model.__module__}")
    return 0


def studies(options: argparse.Namespace, console: Console) -> int:
    """List the studies with their sizes and what they reduce."""
    for study in STUDIES.values():
        unique = {(cell.dataset, cell.method, cell.latent_dim) for cell in study.cells()}
        console.print(f"{study.name}: {study.purpose}; {len(unique) * study.seeds:,} trials")
        for note in study.notes():
            console.print(f"    {note}")
    return 0


def _device(asked: str | None) -> str:
    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.empty(1, device=asked).device.type
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"--device {asked}: not usable here ({str(error).splitlines()[0]})") from None
    if kind not in ("cpu", "cuda"):  # Apple's mps has no float64, which the Fisher term needs
        raise UserError(f"--device {asked}: only cpu and cuda are supported")
    return asked


def _choose_study(options: argparse.Namespace, device: str) -> tuple[Study, str]:
    """The study asked for, or the one for this device, and in words why."""
    if options.study:
        study, why = STUDIES[options.study], "asked for with --study"
    elif device.startswith("cpu"):
        study, why = STUDIES["laptop"], "no GPU in use, so the study reduced to fit two CPU cores"
    else:
        study, why = STUDIES["paper"], f"a GPU is there: {device_name(device)}"
    if options.seeds:
        study = dataclasses.replace(study, seeds=options.seeds)
    return study, why


def _grid(options: argparse.Namespace, device: str, console: Console) -> tuple[Grid, str]:
    """The grid to run; without a choice of study and without any data it is the smoke study's."""
    _check_folders(options)
    study, why = _choose_study(options, device)
    selection = Selection.parse(options.only)

    def build(study: Study) -> Grid:
        data = DataOptions.of(study, options.data_dir, options.offline)
        return build_grid(study, selection, data, options.weights, device, console.print)

    whole = selection.joined(study)
    selection.check(whole)
    names = {cell.dataset for cell in whole.cells() if selection.keeps(cell)}
    certain = options.study or any(_at_hand(name, options.data_dir) for name in names)
    if certain:
        console.print(f"Study {study.name}: {why}")
    else:
        console.print(f"No images in {_shown(options.data_dir)} yet")
    grid = build(study)
    if grid.datasets:
        if not certain:
            console.print(f"Study {study.name}: {why}")
        return grid, why
    _check_own_datasets(grid)
    missing = UserError("; ".join(grid.unavailable.values()))
    if options.study:
        raise missing
    why = "neither data nor a network to fetch it could be had"
    study = STUDIES["smoke"] if not options.seeds else dataclasses.replace(STUDIES["smoke"], seeds=options.seeds)
    try:
        smoke = build(study)
    except UserError:  # what --only asks for is not in the smoke study
        raise missing from None
    console.print(f"Study {study.name}: {why}; on procedural images")
    for reason in grid.unavailable.values():
        console.print(f"  {reason}")
    return smoke, why


def _check_own_datasets(grid: Grid) -> None:
    """Raises UserError for a data set of the user's own whose file is not there: nothing can stand in for it."""
    for name, reason in grid.unavailable.items():
        if name not in DATASETS:
            raise UserError(reason)


def _at_hand(name: str, data_dir: Path) -> bool:
    found = describe(name, data_dir)
    return found.prepared or found.source is not None


def _print_face(grid: Grid, console: Console) -> None:
    for note in grid.study.notes():
        console.print(f"  reduced: {note}")
    for name, reason in grid.unavailable.items():
        console.print(f"  not available: {name}: {reason}")


def _threads(device: str, jobs: int) -> int:
    return max(1, default_jobs("cpu") // jobs) if device.startswith("cpu") else default_jobs("cpu")


def _train_and_evaluate(
    trials: list[Trial], grid: Grid, context: TrialContext, jobs: int, threads: int, data_dir: Path, console: Console
) -> None:
    data = DataOptions.of(grid.study, data_dir.resolve(), offline=True)
    with progress_view(console, len(trials)) as view:
        for event in run_trials(trials, context, data, jobs, threads):
            view.show(event)


def _command_line() -> str:
    """The command as a user would type it, without this machine's folders."""
    arguments = [re.sub(r"(^|=)/.*/(?=[^/])", r"\1", argument) for argument in sys.argv[1:]]
    return shlex.join(["python", "-m", "benchmark", *arguments])


def _default_out(grid: Grid) -> Path:
    """A study's folder; one with a user's own data sets has a folder of its own."""
    own = sorted({cell.dataset for cell in grid.cells} - set(DATASETS))
    return RUNS / "-".join([grid.study.name, *own])


def _weights_at_hand(weights_dir: Path | None) -> set[str]:
    return {backbone.file_name for name, backbone in backbones.BACKBONES.items() if backbones.find(name, weights_dir)}


def _check_folders(options: argparse.Namespace) -> None:
    """Raises UserError for a folder that was asked for and cannot be read; the default data folder need not exist."""
    for flag, folder in (("--data-dir", options.data_dir), ("--weights-dir", options.weights_dir)):
        if folder is None or (folder == DEFAULT_DATA_DIR and not folder.exists()):
            continue
        if not folder.is_dir():
            raise UserError(f"{flag} {folder}: no such folder; make it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")


def _make_tables(store: Store, console: Console) -> int:
    """Write and show the tables; 0 where every trial is done, 3 where some failed, diverged or are missing."""
    manifest = store.read_manifest()
    keys = list(dict.fromkeys(key for cell in manifest["cells"] for key in cell["keys"].values()))
    records = store.read_records(keys)
    write_tables(manifest, records, store.folder / "tables")
    for table in build_tables(manifest, records):
        text = render_text(table)
        console.print(Markdown(text) if console.is_terminal else text)
    counts = summary(manifest, records)
    console.print(
        f"{counts.ok} trials ok, {counts.diverged} diverged, {counts.failed} failed, {counts.not_run} not run",
        highlight=False,
    )
    for record in records.values():
        if record["status"] != "ok":
            where = record["identity"]
            console.print(
                f"  {where['dataset']} {where['method']} d={where['latent_dim']} seed={where['seed']}: "
                f"{record['status']}: {record['reason']}",
                highlight=False,
            )
    return 0 if counts.ok == len(keys) and not manifest["unavailable"] else 3


def _checkpoint_mb(trials: list[Trial]) -> float:
    """Mean checkpoint size: parameters follow from the width (networks) and the latent dim (heads)."""
    parameters = [0.15 + 1.5 * t.training.width + 0.009 * t.latent_dim for t in trials]
    return CHECKPOINT_MB_PER_MILLION_PARAMETERS * sum(parameters) / len(parameters)


def _fetch_weights(options: argparse.Namespace, console: Console) -> int:
    missing = 0
    for name in backbones.BACKBONES:
        found = backbones.obtain(name, options.weights_dir, offline=options.offline)
        if isinstance(found, str):
            console.print(f"{name}: {found}")
            missing += 1
        else:
            console.print(f"{name}: {_shown(found)}, sha256 {hashlib.sha256(found.read_bytes()).hexdigest()}")
    return missing


def _shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
