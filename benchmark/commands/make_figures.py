"""`figures`: make a study's figures from its records and, if available, checkpoints and images."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.declared_options import argument, option
from benchmark.commands.folders import check_folders
from benchmark.commands.option_types import given, path
from benchmark.commands.options import MODELS_ON, ONLY, FetchedData
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.execution.numerics import set_numerics
from benchmark.execution.process_plan import usable_cores
from benchmark.execution.stored_models import images_in
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.study_source import CannotDraw, read_source


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"{name!r} is not a figure; choose from {', '.join(FIGURES)}")
    return name


@dataclass(frozen=True, kw_only=True)
class FiguresOptions(FetchedData, OwnMethods):
    """The options of `figures`."""

    out: Path = argument(type=path, help="results folder, for instance results/runs/laptop")
    names: tuple[str, ...] = argument(
        nargs="*", type=_figure, metavar="NAME", help=f"figure: {', '.join(FIGURES)} (default: all)"
    )
    only: str | None = option(type=given, help=ONLY)
    device: str | None = option(type=given, help=MODELS_ON)


def figures(options: FiguresOptions, console: Console) -> int:
    """Make the requested figures (by default all) in OUT/figures, and print each page's files or why it is skipped.

    Returns:
        The exit status, 0 even if pages are skipped, because missing checkpoints or images are not an error.

    Raises:
        UserError: A folder or the device is not usable, the folder has no study, or --only leaves no cell.
    """
    check_folders(options.data_dir, options.weights_dir)
    device = chosen_device(options.device)
    set_numerics(device, usable_cores())
    images = images_in(options.data_dir, options.offline)
    source = read_source(options.out, options.only, images, device, console.print)
    folder = options.out / "figures"
    made = skipped = 0
    for page, result in make_figures(source, options.names or list(FIGURES), folder):
        if isinstance(result, CannotDraw):
            skipped += 1
            console.print(f"{page}: skipped: {result}")
        else:
            made += 1
            console.print(f"{page}: {', '.join(path.name for path in result)}")
    console.print(f"Pages made: {made}, skipped: {skipped}; figures: {shown(folder)}")
    return 0
