"""What each subcommand does. Everything below this layer takes plain values and prints nothing."""

import argparse
import dataclasses
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.markdown import Markdown

from benchmark.cards import render_all_cards, render_card
from benchmark.data import DATASETS, describe, load_dataset
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation import backbones
from benchmark.execution.forecast import forecast
from benchmark.execution.grid import DataOptions, Grid, Selection, build_grid
from benchmark.execution.numerics import set_numerics
from benchmark.execution.progress import minutes, progress_view
from benchmark.execution.provenance import command_line, device_name, provenance
from benchmark.execution.store import DONE, Store
from benchmark.execution.trial import TrialContext
from benchmark.execution.workers import default_jobs, run_trials
from benchmark.methods import METHODS
from benchmark.paper import REPOSITORY
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
    out = options.out or RUNS / grid.study.name
    store = Store(out, console.print)
    # Scores of drawn images mean nothing, so no weights are downloaded for them.
    offline = options.offline or grid.study.procedural
    context = TrialContext(out.resolve(), device, options.weights_dir, offline, not options.force)
    trials = grid.trials()
    pending = trials if options.force else _pending(trials, store, context)
    jobs = options.jobs or default_jobs(device)
    threads = _threads(device, jobs)
    set_numerics(device, threads)  # as in the workers, so that what is recorded here is true of them
    _print_face(grid, console)
    console.print(
        f"{len(trials)} trials, {len(trials) - len(pending)} done already; {jobs} at once on {device_name(device)}"
    )
    _write_manifest(store, grid)
    if pending:
        _run_pending(pending, grid, context, jobs, threads, options, console)
        _log_run(store, provenance(device), len(pending), jobs, time.monotonic() - started)
    status = _make_tables(store, console)
    console.print(f"{minutes(time.monotonic() - started)}; tables: {_shown(out)}/tables")
    if grid.study.procedural:
        console.print(
            f"Study {grid.study.name} ({why}) ran on procedural images: its numbers say nothing about the methods"
        )
    return status


def plan(options: argparse.Namespace, console: Console) -> int:
    """Print what `run` would do, and about how long it would take; run nothing."""
    device = _device(options.device)
    study, why = _choose_study(options, device)
    console.print(f"Study {study.name}: {why}")
    selection = Selection.parse(options.only)
    data = DataOptions.of(study, options.data_dir, offline=True)  # plan downloads nothing
    grid = build_grid(study, selection, data, options.weights, device, console.print)
    _print_face(grid, console)
    trials = grid.trials()
    for table in grid.study.tables:
        cells = [cell for cell in grid.cells if cell.table == table.number]
        console.print(f"Table {table.number}: {len(cells)} cells x {grid.study.seeds} seeds, protocol {table.protocol}")
    unavailable = [cell for cell in grid.cells if cell.dataset in grid.unavailable]
    unique_unavailable = {(cell.dataset, cell.method, cell.latent_dim) for cell in unavailable}
    console.print(
        f"{len(trials) + len(unique_unavailable) * grid.study.seeds} unique trials"
        + (f", {len(trials)} of them with the data at hand" if unavailable else "")
    )
    for name in grid.unavailable:
        here = describe(name, options.data_dir)
        if here.download_url:
            size = f"about {here.download_bytes / 1e6:,.0f} MB" if here.download_bytes else "size not known"
            console.print(f"To download: {here.label}, {size}, {here.download_url}; or {here.advice}")
    if options.trials:
        for trial in trials:
            console.print(f"{trial.key[:12]}  {trial}  {'+'.join(trial.protocols)}")
    out = options.out or RUNS / grid.study.name
    context = TrialContext(out, device, options.weights_dir, offline=True)
    pending = _pending(trials, Store(out, console.print), context)
    jobs = options.jobs or default_jobs(device)
    console.print(f"{len(trials) - len(pending)} done in {_shown(out)}, {len(pending)} to run")
    if pending:
        set_numerics(device, _threads(device, jobs))
        cost = forecast(pending, context)
        parts = ", ".join(f"{name} {minutes(seconds)}" for name, seconds in cost.evaluation.items())
        console.print(
            f"About {minutes(cost.wall(jobs))} with {jobs} at once: training {minutes(cost.training)}, {parts} "
            "of one worker's time (measured just now on small samples and scaled)"
        )
        console.print(f"Disk: about {len(pending) * _checkpoint_mb(pending) / 1000:.1f} GB of checkpoints")
    return 0


def tables(options: argparse.Namespace, console: Console) -> int:
    """Make the tables again from the records."""
    store = Store(options.out, console.print)
    if store.read_manifest() is None:
        raise UserError(f"{options.out}: no manifest.json here; give a results folder that `run` has made")
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
    study, why = _choose_study(options, device)
    console.print(f"Study {study.name}: {why}")
    selection = Selection.parse(options.only)
    data = DataOptions.of(study, options.data_dir, options.offline)
    grid = build_grid(study, selection, data, options.weights, device, console.print)
    if grid.datasets:
        return grid, why
    if options.study:
        raise UserError("; ".join(grid.unavailable.values()))
    for reason in grid.unavailable.values():
        console.print(reason)
    why = "neither data nor a network to fetch it could be had"
    study = STUDIES["smoke"] if not options.seeds else dataclasses.replace(STUDIES["smoke"], seeds=options.seeds)
    console.print(f"Study {study.name}: {why}")
    data = DataOptions.of(study, options.data_dir, options.offline)
    return build_grid(study, selection, data, options.weights, device, console.print), why


def _print_face(grid: Grid, console: Console) -> None:
    for note in grid.study.notes():
        console.print(f"  reduced: {note}")
    for name, reason in grid.unavailable.items():
        console.print(f"  not available: {name}: {reason}")


def _pending(trials: list[Trial], store: Store, context: TrialContext) -> list[Trial]:
    """Trials without a finished record, and those that lack only metric weights which have since arrived."""
    at_hand = {
        backbone.file_name
        for name, backbone in backbones.BACKBONES.items()
        if backbones.find(name, context.weights_dir)
    }
    return [trial for trial in trials if not _is_done(store.read_record(trial.key), at_hand)]


def _is_done(record: dict | None, weights_at_hand: set[str]) -> bool:
    if record is None or record["status"] not in DONE:
        return False
    reasons = [reason for metrics in record["unavailable"].values() for reason in metrics.values()]
    return not any(name in reason for reason in reasons for name in weights_at_hand)


def _threads(device: str, jobs: int) -> int:
    return max(1, default_jobs("cpu") // jobs) if device.startswith("cpu") else default_jobs("cpu")


def _run_pending(
    pending: list[Trial],
    grid: Grid,
    context: TrialContext,
    jobs: int,
    threads: int,
    options: argparse.Namespace,
    console: Console,
) -> None:
    data = DataOptions.of(grid.study, options.data_dir.resolve(), offline=True)
    with progress_view(console, len(pending)) as view:
        for event in run_trials(pending, context, data, jobs, threads):
            view.show(event)


def _write_manifest(store: Store, grid: Grid) -> None:
    """Write the manifest; cells of an earlier run of the same study that `--only` leaves out are kept."""
    manifest = grid.manifest()
    earlier = store.read_manifest()
    same = ("study", "seeds", "weight_set", "notes")
    if earlier and all(earlier.get(field) == manifest[field] for field in same):
        place = ("table", "dataset", "method", "latent_dim")
        chosen = {tuple(cell[axis] for axis in place) for cell in manifest["cells"]}
        kept = [cell for cell in earlier["cells"] if tuple(cell[axis] for axis in place) not in chosen]
        manifest["cells"] = kept + manifest["cells"]
        manifest["runs"] = earlier.get("runs", [])
        for field in ("marks", "unavailable", "dataset_labels", "data"):
            manifest[field] = earlier[field] | manifest[field]
    elif earlier:
        raise UserError(
            f"{store.manifest_path}: holds another study ({earlier.get('study')}, {earlier.get('seeds')} seeds, "
            f"weights {earlier.get('weight_set')}); give another --out, or delete that file (its records are kept)"
        )
    store.write_manifest(manifest)


def _log_run(store: Store, where: dict, trials: int, jobs: int, seconds: float) -> None:
    """Add a run that came to its end to the manifest: what was typed, on what, when, and how long it took."""
    manifest = store.read_manifest()
    run = {"command": command_line(), "trials": trials, "jobs": jobs, "wall_seconds": round(seconds, 1)}
    manifest["runs"].append(run | where)
    store.write_manifest(manifest)


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
        console.print(f"{name}: {found}")
        missing += isinstance(found, str)
    return missing


def _shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
