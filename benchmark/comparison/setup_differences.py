"""Other differences between two sides of a comparison: settings, versions, hardware and data, each field once."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.comparison.sides import ComparedSide, Fact, Kind
from benchmark.paper.tables import ScorePlace

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Difference:
    """A field that has different values on the two sides.

    Attributes:
        field: Its dotted name.
        scopes: The methods or data sets concerned; empty: all.
    """

    field: str
    scopes: tuple[str, ...]
    a: str
    b: str


def differences(a: ComparedSide, b: ComparedSide) -> list[Difference]:
    """List the fields that differ, among trials of the kinds that both sides have.

    Methods that differ in the same way share an entry. A field that only one side has is NOT_STATED on the other if
    both have its group (that of `protocols.clustering.tsne` is `protocols.clustering`); if one side is a CSV it is left
    out.
    """
    common = {_kind(cell) for cell in a.scores} & {_kind(cell) for cell in b.scores}
    stated_a, stated_b = _stated(a.facts, common), _stated(b.facts, common)
    fields = [*stated_a, *(field for field in stated_b if field not in stated_a)]
    whole = a.facts_complete and b.facts_complete
    groups = {_group(field) for field in stated_a} & {_group(field) for field in stated_b} if whole else set()
    fields = [f for f in fields if (f in stated_a and f in stated_b) or _group(f) in groups]
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for field, scope in fields:
        one, other = (", ".join(stated.get((field, scope), [NOT_STATED])) for stated in (stated_a, stated_b))
        if one != other:
            grouped.setdefault((field, one, other), []).append(scope)
    return [Difference(field, tuple(filter(None, scopes)), a, b) for (field, a, b), scopes in grouped.items()]


def _group(field: tuple[str, str]) -> tuple[str, str]:
    name, scope = field
    return name.rpartition(".")[0], scope


def _kind(cell: ScorePlace) -> Kind:
    return Kind(cell.dataset, cell.method, cell.latent_dim)


def _stated(facts: Iterable[Fact], kinds: set[Kind]) -> dict[tuple[str, str], list[str]]:
    """(field, scope) -> its values, sorted to be independent of the order of trials."""
    datasets = {kind.dataset for kind in kinds}
    values: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        concerned = fact.kind in kinds if fact.kind else not fact.scope or fact.scope in datasets
        if concerned:
            values.setdefault((fact.field, fact.scope), set()).add(fact.value)
    return {field: sorted(found) for field, found in values.items()}


def unlike(found: Iterable[Difference]) -> list[str]:
    """List the images and loss weights that differ, so that the sides are not comparable.

    Args:
        found: The result of `differences`.
    """
    said: list[str] = []
    others: dict[str, list[str]] = {}
    for difference in found:
        part, of = difference.field.partition(".")[0], ", ".join(difference.scopes)
        if difference.field in ("marks", "data.kind", "weight_set"):
            what = {"marks": f"{of} marked", "data": f"images of {of}", "weight_set": "weights"}[part]
            said.append(f"{what} {difference.a} in A, {difference.b} in B")
        elif part in ("data", "settings"):
            others.setdefault("images" if part == "data" else part, []).extend(difference.scopes)
    return said + [f"other {what} of {', '.join(dict.fromkeys(names))}" for what, names in others.items()]
