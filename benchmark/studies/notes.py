"""The notes on what a study does otherwise than the paper: how they are written, and what one read back is about.

Manifests keep notes as text, and verdicts and resumption depend on what a note is about. So each kind that is told from
others is made and recognised here alone, and what manifests have stays readable.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from benchmark.paper.tables import SEEDS_OF_THE_PAPER

_EXTENT = re.compile(rf"\d+ of {SEEDS_OF_THE_PAPER} seeds|Table \d+ without d = .*")


def seeds_note(seeds: int) -> str:
    """Say that a study has fewer seeds than the paper."""
    return f"{seeds} of {SEEDS_OF_THE_PAPER} seeds"


def dims_note(table: int, without: Iterable[int]) -> str:
    """Say which latent dims of one of the paper's tables a study lacks."""
    return f"Table {table} without d = {', '.join(map(str, without))}"


def is_on_extent(note: str) -> bool:
    """Tell whether a note is on how much of the paper's grid is run, which makes no trial another one."""
    return _EXTENT.fullmatch(note) is not None


def protocol_note(protocol: str, setting: str, value: Any) -> str:
    """Say that a protocol has another setting than the paper's."""
    return f"{protocol}: {setting} = {format(value, ',') if isinstance(value, int | float) else value}"


def is_on_protocol(note: str, protocols: Collection[str]) -> bool:
    """Tell whether a note is on a setting of one of some protocols."""
    return note.startswith(tuple(f"{name}: " for name in protocols))


def option_note(option: str, said: str) -> str:
    """Say what an option, such as "--epochs", changed."""
    return f"{option} {said}"


def option_of(note: str) -> str | None:
    """Return the option that a note is on; None where no option made it."""
    return note.split()[0] if note.startswith("--") else None
