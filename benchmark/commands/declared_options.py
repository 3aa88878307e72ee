"""Declaration of a command's options as fields of a frozen dataclass, used by both the parser and the command."""

import argparse
import dataclasses
from typing import Any, TypeVar

_DECLARED = "argparse"
_GROUP = "group"
_POSITIONAL = "positional"
Options = TypeVar("Options")


def option(*, group: str = "", default: Any = None, **how: Any) -> Any:
    """Declare a field that is an option of the same name, such as --data-dir for `data_dir`.

    Args:
        group: The heading under which the help lists it; "" for none.
        default: The value if the option is not given.
        **how: Arguments for `argparse.ArgumentParser.add_argument`.
    """
    of_parser = list(default) if isinstance(default, tuple) else default  # argparse appends to a list
    return dataclasses.field(default=default, metadata={_DECLARED: how | {"default": of_parser}, _GROUP: group})


def flag(*, help: str) -> Any:
    """Declare a field that is True if the option of the same name is given."""
    return option(default=False, action="store_true", help=help)


def argument(**how: Any) -> Any:
    """Declare a field that is a positional argument; `how` is the same as for `option`."""
    several = how.get("nargs") in ("*", "+")
    default = () if several else None
    given = how | ({"default": default} if several or how.get("nargs") == "?" else {})
    return dataclasses.field(default=default, metadata={_DECLARED: given, _GROUP: "", _POSITIONAL: True})


def add_options(parser: argparse.ArgumentParser, kind: type) -> None:
    """Add the fields of a dataclass of options to a parser.

    Args:
        parser: The command's parser.
        kind: A dataclass whose fields are declared with `option`, `flag` and `argument`.
    """
    groups: dict[str, argparse._ActionsContainer] = {"": parser}
    for field in dataclasses.fields(kind):
        group = field.metadata[_GROUP]
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        name = field.name if _POSITIONAL in field.metadata else f"--{field.name.replace('_', '-')}"
        groups[group].add_argument(name, **field.metadata[_DECLARED])


def options_of(kind: type[Options], namespace: argparse.Namespace) -> Options:
    """Make a command's options from parsed arguments.

    Args:
        kind: The dataclass given to `add_options`.
        namespace: Arguments parsed by the parser.

    Returns:
        The options; those that may be repeated are tuples.
    """
    values = {field.name: getattr(namespace, field.name) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
