"""Findings for readers: those about the same numbers are merged, with every table and sentence concerned."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from benchmark.errata.printed_cells import Finding, FindingKind


class ListedFinding(NamedTuple):
    """Findings of one kind on the same numbers.

    Attributes:
        kind: The kind of the findings.
        sentence: The finding in words, with all tables that have the numbers.
        sources: Section and quotation of each sentence of the paper concerned, as "3.1: “...”".
    """

    kind: FindingKind
    sentence: str
    sources: tuple[str, ...]


def listing(findings: Iterable[Finding]) -> list[ListedFinding]:
    """Merge findings that say the same about the same numbers, in order of first occurrence."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        numbers = tuple((cell.place, cell.value) for cell in one.cells)
        groups.setdefault((one.kind, _without_table(one.sentence), numbers), []).append(one)
    return [_listed(group) for group in groups.values()]


def _without_table(sentence: str) -> str:
    return re.sub(r"^Table \d+", "", sentence)


def _listed(group: list[Finding]) -> ListedFinding:
    first = group[0]
    tables = sorted({one.cells[0].table for one in group if one.cells})
    sentence = first.sentence
    if len(tables) > 1:
        sentence = f"Tables {' and '.join(map(str, tables))}{_without_table(sentence)}"
    said = (f"{one.section}: “{one.quotation}”" if one.quotation else one.section for one in group)
    return ListedFinding(first.kind, sentence, tuple(dict.fromkeys(filter(None, said))))
