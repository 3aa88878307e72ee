"""`methods` and `studies`: what there is, printed."""

import argparse
from dataclasses import dataclass

from rich.console import Console

from benchmark.commands.declared_options import argument, flag
from benchmark.errors import UserError
from benchmark.methods.cards import render_all_cards, render_card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.names import asked_name
from benchmark.studies.named_studies import STUDIES
from benchmark.tables.terminal import print_markdown


def _method(text: str) -> str:
    try:
        return asked_name("method", text, ALL_METHODS, f"invalid choice: {text!r};")
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class MethodsOptions:
    """The options of `methods`."""

    name: str | None = argument(nargs="?", type=_method, metavar="NAME", help="a method's name")
    all: bool = flag(help="print every card, the content of docs/methods.md")


@dataclass(frozen=True, kw_only=True)
class StudiesOptions:
    """The options of `studies`: none."""


def methods(options: MethodsOptions, console: Console) -> int:
    """List the methods, or print one card or all."""
    if options.all:
        print(render_all_cards(), end="")
        return 0
    if options.name:
        card = render_card(options.name)
        print_markdown(console, card)
        return 0
    for name, method in ALL_METHODS.items():
        console.print(f"{name:23} {method.label:23} {method.model.__module__}")
    return 0


def studies(options: StudiesOptions, console: Console) -> int:
    """List the studies with their sizes and what they reduce."""
    for study in STUDIES.values():
        unique = {(cell.dataset, cell.method, cell.latent_dim) for cell in study.cells()}
        console.print(f"{study.name}: {study.purpose}; {len(unique) * study.seeds:,} trials")
        for note in study.notes():
            console.print(f"    {note}")
    return 0
