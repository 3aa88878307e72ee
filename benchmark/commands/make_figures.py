"""`figures`: the figures of a results folder, from its records and, where they are at hand, checkpoints and images."""

import argparse

from rich.console import Console

from benchmark.commands.option_types import given, path
from benchmark.commands.option_values import check_folders, chosen_device, shown
from benchmark.commands.options import MODELS_ON, ONLY, add_data_options
from benchmark.execution.numerics import set_numerics
from benchmark.execution.process_plan import usable_cores
from benchmark.execution.stored_models import images_in
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.study_source import CannotDraw, read_source


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"{name!r} is no figure; there are {', '.join(FIGURES)}")
    return name


def figures_options(parser: argparse.ArgumentParser) -> None:
    """The options of `figures`."""
    parser.add_argument("out", type=path, help="results folder, for instance results/runs/laptop")
    parser.add_argument("names", nargs="*", type=_figure, metavar="NAME", help=f"{', '.join(FIGURES)} (default: all)")
    parser.add_argument("--only", type=given, help=ONLY)
    parser.add_argument("--device", type=given, help=MODELS_ON)
    add_data_options(parser)


def figures(options: argparse.Namespace, console: Console) -> int:
    """Make the figures asked for, all by default, under OUT/figures, and say of each page where it is or why it is not.

    Returns 0, also where pages are skipped: that checkpoints or images are elsewhere is no fault.
    """
    check_folders(options)
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
