"""`controls`: what the gain of HGMVAE is due to, answered from a folder that holds the study of that name."""

import argparse

from rich.console import Console

from benchmark.commands.option_types import path
from benchmark.commands.option_values import shown
from benchmark.controls.answers import Answer, answers, answers_frame, means_frame, measured
from benchmark.controls.controls_page import render_answers
from benchmark.controls.rates_figure import rate_pages, rates_figure
from benchmark.errors import UserError
from benchmark.files import write_text
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown


def controls_options(parser: argparse.ArgumentParser) -> None:
    """The options of `controls`."""
    parser.add_argument("out", type=path, help="results folder of the study controls, laptop-controls or readings")


def controls(options: argparse.Namespace, console: Console) -> int:
    """Print the answers; write controls.md, answers.csv, means.csv and, where there are VAEs to stand against at the
    same rate, a figure for every measure. Raises UserError where there is nothing to ask."""
    store = Store(options.out, console.print, look_only=True)
    manifest, records = store.read_study()
    trials = measured(manifest, records)
    found = answers(trials)
    if all(one.answer is Answer.NOT_RUN for one in found):
        raise UserError(f"{options.out}: holds no two methods that the controls compare; run --study controls first")
    means = means_frame(trials)
    text = render_answers(manifest, records, found, means)
    folder = options.out / "controls"
    for name, content in {
        "controls.md": text,
        "answers.csv": csv_text(answers_frame(found)),
        "means.csv": csv_text(means),
    }.items():
        write_text(folder / name, content)
    figures = [write_page(rates_figure, page, folder, name)[0].name for name, page in rate_pages(manifest, trials)]
    print_markdown(console, text, end="")
    console.print(f"Written: {shown(folder)}/{', '.join(['controls.md', 'answers.csv', 'means.csv', *figures])}")
    return 0
