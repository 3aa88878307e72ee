"""Notes on how a study differs from the paper: their wording, and recognition of their kind.

Manifests store notes as text, and verdicts and resumption depend on their kind. All kinds that must be recognised are
therefore worded and recognised only in this module, and notes in existing manifests stay valid.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from benchmark.paper.tables import SEEDS_OF_THE_PAPER

_EXTENT = re.compile(rf"\d+ of {SEEDS_OF_THE_PAPER} seeds|Table \d+ without d = .*")


def seeds_note(seeds: int) -> str:
    """Return the note that a study has fewer seeds than the paper."""
    return f"{seeds} of {SEEDS_OF_THE_PAPER} seeds"


def dims_note(table: int, without: Iterable[int]) -> str:
    """Return the note on the latent dimensions of a table of the paper that a study omits."""
    return f"Table {table} without d = {', '.join(map(str, without))}"


def is_on_extent(note: str) -> bool:
    """Return whether a note concerns only how much of the paper's grid is run, which changes no trial."""
    return _EXTENT.fullmatch(note) is not None


def protocol_note(protocol: str, setting: str, value: Any) -> str:
    """Return the note that a protocol's setting differs from the paper's."""
    return f"{protocol}: {setting} = {format(value, ',') if isinstance(value, int | float) else value}"


def is_on_protocol(note: str, protocols: Collection[str]) -> bool:
    """Return whether a note concerns a setting of one of the given protocols."""
    return note.startswith(tuple(f"{name}: " for name in protocols))


def setting_note(method: str, setting: str, value: Any) -> str:
    """Return the note that a study overrides a method's setting, without an option."""
    return f"{method}.{setting} = {value}"


def option_note(option: str, said: str) -> str:
    """Return the note on what an option, such as "--epochs", changed."""
    return f"{option} {said}"


def option_of(note: str) -> str | None:
    """Return the option that a note concerns; None if no option caused it."""
    return note.split()[0] if note.startswith("--") else None
