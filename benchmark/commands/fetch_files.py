"""`fetch`: download, verify and prepare data sets and metric weights, or convert a folder of pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.declared_options import argument, option
from benchmark.commands.folders import DEFAULT_DATA_DIR
from benchmark.commands.option_types import given, path
from benchmark.commands.options import FetchedData
from benchmark.commands.wording import quoted, shown
from benchmark.data.dataset import Dataset, data_marks
from benchmark.data.from_folder import write_from_folder
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS, SIDES
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation.backbones import AUDIT_BACKBONES, BACKBONES, Backbone, obtain
from benchmark.execution.heartbeat import Heartbeat
from benchmark.installation import LAUNCHER
from benchmark.names import asked_name

# Groups of pretrained networks by name; those for the audit are downloaded only on request.
WEIGHTS: Mapping[str, Mapping[str, Backbone]] = {"weights": BACKBONES, "audit-weights": AUDIT_BACKBONES}


@dataclass(frozen=True, kw_only=True)
class FetchOptions(FetchedData):
    """The options of `fetch`."""

    what: tuple[str, ...] = argument(
        nargs="*",
        help="data sets, `weights` (FID and LPIPS), or `audit-weights` (LPIPS on VGG16 and SqueezeNet for `audit`, "
        "0.5 GB, only on request); default: all data sets and `weights`",
    )
    from_folder: Path | None = option(
        type=path, metavar="DIR", help="make a data set from the pictures in DIR, which has one folder per class"
    )
    size: int | None = option(
        type=int, choices=(*SIDES,), help="with --from-folder: side of the images in pixels (default: 32)"
    )
    name: str | None = option(type=given, help="with --from-folder: name of the data set (default: mine)")


def fetch(options: FetchOptions, console: Console) -> int:
    """Download and prepare data sets and metric weights, or convert a folder of pictures.

    Returns:
        The exit status: 0 if everything requested is available, 3 if something could not be obtained; the reasons are
        printed.

    Raises:
        UserError: A name is unknown, files are invalid, or a folder is not readable or writable.
    """
    if options.from_folder is not None:
        return _from_folder(options.from_folder, options, console)
    if options.size or options.name:
        raise UserError("--size and --name require --from-folder DIR")
    known = (*DATASETS, *WEIGHTS)
    asked = [asked_name("dataset", name, known, f"fetch {name}:") for name in options.what]
    wanted = asked or [*DATASETS, "weights"]
    missing = 0
    for name in wanted:
        if name in WEIGHTS:
            missing += _fetch_weights(WEIGHTS[name], options, console)
            continue
        try:
            dataset = load_dataset(name, options.data_dir, offline=options.offline, report=console.print)
        except DataUnavailable as error:
            console.print(f"{name}: {error}")
            missing += 1
            continue
        console.print(_described(dataset))
    return 3 if missing else 0


def _described(dataset: Dataset) -> str:
    counts = f"{dataset.n_train:,} + {dataset.n_test:,} images"
    marks = "".join(f" [{mark}]" for mark in data_marks(dataset))
    return f"{dataset.name}{marks}: {counts} from {dataset.source}, sha256 {dataset.digest}"


def _from_folder(folder: Path, options: FetchOptions, console: Console) -> int:
    if options.what:
        raise UserError(f"fetch {' '.join(options.what)} --from-folder: fetch these in a separate call")
    name = options.name or "mine"
    with Heartbeat(console) as heartbeat:
        with heartbeat.during(f"making {name} of {folder}"):
            made = write_from_folder(folder, name, options.size or 32, options.data_dir, heartbeat.say)
        try:
            with heartbeat.during(f"preparing {name}"):
                dataset = load_dataset(name, options.data_dir, offline=True, report=heartbeat.say)
        except BaseException:  # an interruption, too: the same command would find the name taken
            made.unlink(missing_ok=True)
            raise
        heartbeat.say(f"wrote {shown(made)}")
    console.print(_described(dataset))
    where = "" if options.data_dir == DEFAULT_DATA_DIR else f" --data-dir {quoted(options.data_dir)}"
    console.print(f"train on it: {LAUNCHER} run --only dataset={name}{where}", soft_wrap=True)
    return 0


def _fetch_weights(wanted: Mapping[str, Backbone], options: FetchOptions, console: Console) -> int:
    missing = 0
    for name, backbone in wanted.items():
        found = obtain(backbone, options.weights_dir, offline=options.offline, report=console.print)
        if isinstance(found, str):
            console.print(f"{name}: {found}")
            missing += 1
        else:
            console.print(f"{name}: {shown(found.path)} ({found.origin}, {found.source}), sha256 {found.sha256}")
    return missing
