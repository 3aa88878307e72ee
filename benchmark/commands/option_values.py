"""What the options come to: device, study, folders, threads; and how a command and a path are said."""

import argparse
import dataclasses
import math
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from benchmark.data import DATASETS
from benchmark.errors import UserError
from benchmark.evaluation import backbones
from benchmark.evaluation.backbones import Backbone
from benchmark.evaluation.tsne_engines import REFERENCE_TSNE, missing_library
from benchmark.execution.executors import Executor, Local, Slurm
from benchmark.execution.process_plan import crew
from benchmark.execution.provenance import device_name
from benchmark.execution.slurm import SlurmOptions
from benchmark.files import REPOSITORY
from benchmark.results.manifest import MOST_SEEDS
from benchmark.studies.grid import Grid, data_marks
from benchmark.studies.named_studies import STUDIES, Study
from benchmark.tables.captions import MARK_MEANINGS
from benchmark.text import first_line
from benchmark.training.pack import default_way

DEFAULT_DATA_DIR = REPOSITORY / "data"
RUNS = REPOSITORY / "results" / "runs"
# Options of `run` that go with one executor alone; of Slurm's, the field of SlurmOptions.
_OF_LOCAL = ("device", "devices", "jobs", "minutes")
_OF_SLURM = {
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "constraint": "constraint",
    "mem": "mem",
    "gpus_per_node": "gpus_per_node",
    "cpus_per_task": "cpus_per_task",
    "max_jobs": "max_jobs",
    "time": "minutes",
}
THROUGHPUT = REPOSITORY / "results" / "throughput"


def chosen_device(asked: str | None) -> str:
    """The device asked for, else a GPU where there is one. Raises UserError for one that cannot be used."""
    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.empty(1, device=asked).device.type
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {asked}: not usable here ({first_line(error)})") from None
    if kind not in ("cpu", "cuda"):  # Apple's mps has no float64, which the Fisher term needs
        raise UserError(f"--device {asked}: only cpu and cuda are supported")
    return asked


def chosen_executor(options: argparse.Namespace) -> tuple[str, Executor]:
    """The run's device, and who trains on it. Raises UserError for options that go with another executor."""
    asked = {flag: getattr(options, flag) for flag in _OF_SLURM if getattr(options, flag) is not None}
    if options.executor == "slurm":
        if local := [flag for flag in _OF_LOCAL if getattr(options, flag)]:
            raise UserError(
                f"--{local[0]}: goes with --executor local; of jobs, see --gpus-per-node, --time and others"
            )
        slurm = SlurmOptions(**{_OF_SLURM[flag]: value for flag, value in asked.items()})
        return slurm.device, Slurm(slurm, 60.0 * options.patience)
    if asked:
        raise UserError(f"--{next(iter(asked)).replace('_', '-')}: goes with --executor slurm")
    device, devices = chosen_devices(options)
    seconds = 60.0 * options.minutes if options.minutes else math.inf
    return device, Local(crew(device, options.jobs, devices), seconds, 60.0 * options.patience)


def chosen_devices(options: argparse.Namespace) -> tuple[str, tuple[str, ...]]:
    """The run's device and, where several GPUs were asked for, all of them. Raises UserError as `chosen_device`."""
    if not options.devices:
        return chosen_device(options.device), ()
    if options.device:
        raise UserError("--devices: give either --device or --devices")
    numbers = options.devices.split(",")
    if not all(number.isdecimal() for number in numbers) or len(set(numbers)) < len(numbers):
        raise UserError(f"--devices {options.devices}: write the GPUs' numbers, each once, such as 0,1,2,3")
    devices = tuple(chosen_device(f"cuda:{number}") for number in numbers)
    return devices[0], devices


def chosen_study(options: argparse.Namespace, device: str) -> tuple[Study, str]:
    """The study asked for, or the one for this device, and in words why."""
    if options.study:
        study, why = STUDIES[options.study], "asked for with --study"
    elif device.startswith("cpu"):
        study, why = STUDIES["laptop"], "no GPU in use, so the study reduced to fit two CPU cores"
    else:
        study, why = STUDIES["paper"], f"a GPU is there: {device_name(device)}"
    return as_asked(study, options), why


def chosen_way(options: argparse.Namespace, device: str) -> str:
    """How packs are trained. Raises UserError for a way or a precision that the device has not."""
    on_gpu = device.startswith("cuda")
    if options.precision == "tf32" and not on_gpu:
        raise UserError("--precision tf32: only a GPU has it; give float32 or bfloat16")
    way = options.way or default_way(device)
    if way == "graphs" and not on_gpu:
        raise UserError(f"--way {way}: CUDA graphs need a GPU; give eager")
    return way


def as_asked(study: Study, options: argparse.Namespace) -> Study:
    """The study with as many seeds as were asked for, in that precision and with that t-SNE.

    Raises UserError for more seeds than a manifest may have, and for a t-SNE whose library is not here.
    """
    if options.seeds and options.seeds > MOST_SEEDS:
        raise UserError(f"--seeds {options.seeds}: at most {MOST_SEEDS:,}")
    training = dataclasses.replace(study.training, precision=options.precision)
    study = dataclasses.replace(study, seeds=options.seeds or study.seeds, training=training)
    if options.tsne == REFERENCE_TSNE:
        return study
    if missing := missing_library(options.tsne):
        raise UserError(f"--tsne {options.tsne}: {missing}")
    clustering = study.protocol_settings.get("clustering", {}) | {"tsne": options.tsne}
    return dataclasses.replace(study, protocol_settings=study.protocol_settings | {"clustering": clustering})


def check_folders(options: argparse.Namespace) -> None:
    """Raises UserError for a folder that was asked for and cannot be read; the default data folder need not exist."""
    for flag, folder in (("--data-dir", options.data_dir), ("--weights-dir", options.weights_dir)):
        if folder is None or (folder == DEFAULT_DATA_DIR and not folder.exists()):
            continue
        if not folder.is_dir():
            raise UserError(f"{flag} {folder}: no such folder; make it first if files are to be fetched into it")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"{flag} {folder}: cannot be read; change its permissions")


def own_datasets(data_dir: Path) -> set[str]:
    """The names of a data folder's files that are no registered set's."""
    registered = {spec.npz for spec in DATASETS.values()}
    return {path.stem for path in data_dir.glob("*.npz") if path.name not in registered}


def check_own_datasets(grid: Grid) -> None:
    """Raises UserError for a data set of the user's own whose file is not there: nothing can stand in for it."""
    for name, reason in grid.unavailable.items():
        if name not in DATASETS:
            raise UserError(reason)


def data_facts(grid: Grid) -> list[str]:
    """What must be known of the data sets at hand, a line each: how the user's own were split, and what marks mean."""
    own = [
        f"{name}: {data.n_train:,} training and {data.n_test:,} test images; {data.split}"
        for name, data in grid.datasets.items()
        if name not in DATASETS
    ]
    marked = [
        f"{name} [{mark}]: {MARK_MEANINGS[mark]}"
        for name, data in grid.datasets.items()
        for mark in data_marks(data)
        if not grid.study.procedural  # which its notes say
    ]
    return own + marked


def default_out(grid: Grid) -> Path:
    """A study's folder; one with a user's own data sets has a folder of its own."""
    own = sorted({cell.dataset for cell in grid.cells} - set(DATASETS))
    return RUNS / "-".join([grid.study.name, *own])


def weights_at_hand(weights_dir: Path | None, known: Mapping[str, Backbone] = backbones.BACKBONES) -> set[str]:
    """File names of the metric weights that are here and verified."""
    return {backbone.file_name for name, backbone in known.items() if backbones.find(name, weights_dir, known)}


def command_line() -> str:
    """The command as a user would type it, without this machine's folders."""
    arguments = [re.sub(r"(^|=)[/~].*/(?=[^/])", r"\1", argument) for argument in sys.argv[1:]]
    return shlex.join(["python", "-m", "benchmark", *arguments])


def shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
