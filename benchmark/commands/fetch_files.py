"""`fetch`: data sets and metric weights, downloaded, verified and prepared."""

import argparse
import hashlib

from rich.console import Console

from benchmark.commands.choices import shown
from benchmark.data import DATASETS, load_dataset
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation import backbones


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


def _fetch_weights(options: argparse.Namespace, console: Console) -> int:
    missing = 0
    for name in backbones.BACKBONES:
        found = backbones.obtain(name, options.weights_dir, offline=options.offline)
        if isinstance(found, str):
            console.print(f"{name}: {found}")
            missing += 1
        else:
            console.print(f"{name}: {shown(found)}, sha256 {hashlib.sha256(found.read_bytes()).hexdigest()}")
    return missing
