"""`fetch`: download, verify and prepare data sets and metric weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from benchmark.commands.declared_options import argument
from benchmark.commands.options import FetchedData
from benchmark.commands.wording import shown
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS
from benchmark.errors import DataUnavailable
from benchmark.evaluation.backbones import AUDIT_BACKBONES, BACKBONES, Backbone, obtain
from benchmark.names import asked_name
from benchmark.studies.grid import data_marks

# The names of groups of pretrained networks for `fetch`; the audit's are fetched only when they are asked for.
WEIGHTS: Mapping[str, Mapping[str, Backbone]] = {"weights": BACKBONES, "audit-weights": AUDIT_BACKBONES}


@dataclass(frozen=True, kw_only=True)
class FetchOptions(FetchedData):
    """The options of `fetch`."""

    what: tuple[str, ...] = argument(
        nargs="*",
        help="data sets, `weights` (FID and LPIPS), or `audit-weights` (LPIPS on VGG16 and SqueezeNet for `audit`, "
        "0.5 GB, only when asked for); default: all data sets and `weights`",
    )


def fetch(options: FetchOptions, console: Console) -> int:
    """Download and prepare data sets and metric weights.

    Returns:
        The exit status: 0 where everything asked for is here, 3 where something could not be had; the reasons are
        printed.

    Raises:
        UserError: A name is unknown, files are invalid, or a folder cannot be written.
    """
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
        counts = f"{dataset.n_train:,} + {dataset.n_test:,} images"
        marks = "".join(f" [{mark}]" for mark in data_marks(dataset))
        console.print(f"{name}{marks}: {counts} from {dataset.source}, sha256 {dataset.digest}")
    return 3 if missing else 0


def _fetch_weights(wanted: Mapping[str, Backbone], options: FetchOptions, console: Console) -> int:
    missing = 0
    for name in wanted:
        found = obtain(name, options.weights_dir, offline=options.offline, backbones=wanted, report=console.print)
        if isinstance(found, str):
            console.print(f"{name}: {found}")
            missing += 1
        else:
            console.print(f"{name}: {shown(found.path)} ({found.road}, {found.source}), sha256 {found.sha256}")
    return missing
