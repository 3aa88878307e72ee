"""`methods`: list the methods, or print method cards."""

from dataclasses import dataclass

from rich.console import Console

from benchmark.commands.declared_options import argument, flag
from benchmark.commands.option_types import given
from benchmark.commands.own_methods import OwnMethods
from benchmark.files import sha256_of
from benchmark.methods.cards import render_all_cards, render_card
from benchmark.methods.control_methods import ALL_METHODS, CONTROLS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.registry import METHODS
from benchmark.names import asked_name
from benchmark.tables.terminal import print_markdown


@dataclass(frozen=True, kw_only=True)
class MethodsOptions(OwnMethods):
    """The options of `methods`."""

    name: str | None = argument(nargs="?", type=given, metavar="NAME", help="a method's name")
    all: bool = flag(help="print every card, the content of docs/methods.md")


def methods(options: MethodsOptions, console: Console) -> int:
    """List the methods, or print one card or all cards.

    Returns:
        The exit status, 0.

    Raises:
        UserError: There is no method of this name.
    """
    if options.all:
        print(render_all_cards(), end="")
        return 0
    if options.name:
        name = asked_name("method", options.name, ALL_METHODS, f"methods {options.name}: no such method;")
        print_markdown(console, render_card(name))
        return 0
    own = {name: method for name, method in ALL_METHODS.items() if method.source}
    files = {sha256_of(file): str(file) for file in options.method_file}
    width = max(len(method.label) for method in ALL_METHODS.values())
    for heading, group in (
        ("in the paper's tables, and two further ablations", METHODS),
        ("controls: one of these with one thing changed", CONTROLS),
        ("in no table of the paper, run only if selected by name", FURTHER_METHODS),
        ("from --method-file", own),
    ):
        if group:
            console.print(f"{heading}:")
        for name, method in group.items():
            place = files.get(method.source, method.module)
            console.print(f"  {name:23} {method.label:{width}} {place}")
    return 0
