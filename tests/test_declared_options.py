"""Options as dataclasses: what the parser reads is what a command's function is given."""

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark.cli import COMMANDS, build_parser
from benchmark.commands.declared_options import add_options, argument, flag, option, options_of
from benchmark.files import REPOSITORY


@dataclass(frozen=True, kw_only=True)
class Shared:
    data_dir: Path = option(type=Path, default=Path("data"), help="where data are")


@dataclass(frozen=True, kw_only=True)
class Asked(Shared):
    out: str = argument()
    names: tuple[str, ...] = argument(nargs="*")
    weight: tuple[float, ...] | None = option(action="append", type=float)
    memory: str | None = option(group="of jobs", metavar="SIZE")
    force: bool = flag(help="anew")


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_options(made, Asked)
    return made


def test_what_was_given_comes_typed_and_cannot_be_changed(parser):
    read = parser.parse_args(["o", "a", "b", "--data-dir", "d", "--weight", "1", "--weight", "2.5", "--force"])
    asked = options_of(Asked, read)
    assert asked == Asked(out="o", names=("a", "b"), data_dir=Path("d"), weight=(1.0, 2.5), force=True)
    assert asked.memory is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        asked.force = False  # type: ignore[misc]


def test_what_was_not_given_is_as_where_a_function_is_called_from_code(parser):
    assert options_of(Asked, parser.parse_args(["o"])) == Asked(out="o")


def test_a_group_has_its_heading(parser):
    assert "of jobs:\n  --memory SIZE" in parser.format_help()


def test_every_command_is_given_a_frozen_dataclass_whose_defaults_are_the_parsers():
    for command in COMMANDS.values():
        kind = build_parser().parse_args(command.example.split()).kind
        assert kind.__dataclass_params__.frozen, command.name
        parser = argparse.ArgumentParser()
        add_options(parser, kind)
        for field in dataclasses.fields(kind):
            default = parser.get_default(field.name)
            assert (tuple(default) if isinstance(default, list) else default) == field.default, field.name


def test_no_command_works_on_what_the_parser_has_read():
    modules = (REPOSITORY / "benchmark" / "commands").glob("*.py")
    using = {path.name for path in modules if "Namespace" in path.read_text(encoding="utf-8")}
    assert using == {"declared_options.py"}
