"""The paper's claims C1-C9 as contests between methods: data, declared before any result.

A contest says that one side (a method at a latent dim) has a better score than another; a family is the contests whose
tests are corrected together. The largest has 21: at ten seeds the signed-rank test gives no p below 0.002, and beyond
25 tests none could be significant. How each claim is read, and why: docs/verdicts.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from benchmark.paper.tables import PRINTED_TABLES

SECONDS = "training_seconds"  # C9's metric: a record's timing, compared as a logarithm
ALL = "all"  # C9's data set


class Side(NamedTuple):
    """A method at a latent dim; None (C9): at every one that both sides were trained at."""

    method: str
    latent_dim: int | None


@dataclass(frozen=True)
class Contest:
    """`favoured` is said to beat `rival`; where it names several sides, the better one is meant.

    `family`: its tests are corrected together. `unit`: what the claim counts; it holds where all its contests do.
    """

    family: str
    unit: str
    table: int | None  # None where the paper prints no number for it
    dataset: str
    metric: str
    favoured: tuple[Side, ...]
    rival: Side


class Rule(StrEnum):
    """In how many of its units a claim says that it holds."""

    EVERY = "in every one"
    MOST = "in more than half"


@dataclass(frozen=True)
class Claim:
    """One claim in our words; `rule` is how its wording is read: EVERY where the paper makes no exception."""

    name: str
    text: str
    rule: Rule
    contests: tuple[Contest, ...]


def _vs(
    table: int, favoured: tuple[str, ...], rivals: tuple[str, ...], family: str, unit: str = ""
) -> Iterator[Contest]:
    """Every contest of the favoured against each rival over a table; `family` and `unit` are templates."""
    printed = PRINTED_TABLES[table]
    for dataset in printed.datasets:
        for metric in printed.metrics:
            for dim in printed.latent_dims:
                for rival in rivals:
                    names = {"table": table, "dataset": dataset, "metric": metric, "dim": dim, "rival": rival}
                    sides = tuple(Side(method, dim) for method in favoured)
                    each = f"{dataset} {metric} {'/'.join(favoured)} d={dim} over {rival}"
                    yield Contest(
                        family.format(**names),
                        unit.format(**names) or each,
                        table,
                        dataset,
                        metric,
                        sides,
                        Side(rival, dim),
                    )


def better_of_two_beats_gmvae() -> Iterator[Contest]:
    yield from _vs(1, ("hgmvae_g", "hgmvae_u"), ("gmvae",), "C1")


def gaussian_below_16_uniform_from_16() -> Iterator[Contest]:
    for contest in _vs(1, ("hgmvae_g",), ("hgmvae_u",), "C2"):
        dim = contest.rival.latent_dim
        if dim < 16:
            yield contest
        else:
            yield replace(contest, favoured=(contest.rival,), rival=contest.favoured[0])


def eight_is_the_best_dim() -> Iterator[Contest]:
    """Within a method and metric d = 8 against each other d; three methods to a metric make a family of 18."""
    table = PRINTED_TABLES[1]
    for metric in table.metrics:
        for method in table.methods:
            for dim in table.latent_dims:
                if dim != 8:
                    unit = f"mnist {metric} {method}"
                    yield Contest(f"C3 {metric}", unit, 1, "mnist", metric, (Side(method, 8),), Side(method, dim))


def hgmvae_g_classifies_best() -> Iterator[Contest]:
    rivals = tuple(method for method in PRINTED_TABLES[2].methods if method != "hgmvae_g")
    yield from _vs(2, ("hgmvae_g",), rivals, "C4", unit="{dataset}")


def hgmvae_u_reconstructs_best() -> Iterator[Contest]:
    rivals = tuple(method for method in PRINTED_TABLES[3].methods if method != "hgmvae_u")
    yield from _vs(3, ("hgmvae_u",), rivals, "C5 {dataset} {metric}", unit="{dataset} {metric}")


def fisher_helps(table: int, family: str) -> Iterator[Contest]:
    for method in ("hgmvae_g", "hgmvae_u"):
        yield from _vs(table, (method,), (f"{method}_no_fisher",), f"{family} {method}")


def hgmvae_beats_gmvae() -> Iterator[Contest]:
    for table in (4, 5):
        for method in ("hgmvae_g", "hgmvae_u"):
            yield from _vs(table, (method,), ("gmvae",), f"C8 table {table} {method}")


def hgmvae_trains_longer() -> Iterator[Contest]:
    """Each variant over all data sets and dims at once: a pack of seeds gives one time, too few for a test each."""
    for method in ("hgmvae_g", "hgmvae_u"):
        yield Contest(f"C9 {method}", method, None, ALL, SECONDS, (Side(method, None),), Side("vae", None))


CLAIMS = tuple(
    Claim(name, text, rule, tuple(contests))
    for name, text, rule, contests in (
        (
            "C1",
            "The better of HGMVAE-G and -U clusters better than GMVAE at every d.",
            Rule.EVERY,
            better_of_two_beats_gmvae(),
        ),
        (
            "C2",
            "HGMVAE-G clusters better below d = 16, -U from there on.",
            Rule.EVERY,
            gaussian_below_16_uniform_from_16(),
        ),
        ("C3", "Clustering is best at d = 8.", Rule.EVERY, eight_is_the_best_dim()),
        ("C4", "HGMVAE-G has the highest SVM accuracy.", Rule.EVERY, hgmvae_g_classifies_best()),
        ("C5", "HGMVAE-U reconstructs best in most scores.", Rule.MOST, hgmvae_u_reconstructs_best()),
        ("C6", "The Fisher term improves clustering.", Rule.MOST, fisher_helps(4, "C6")),
        ("C7", "The Fisher term improves reconstruction.", Rule.MOST, fisher_helps(5, "C7")),
        ("C8", "A mixture per image beats a Gaussian per image: HGMVAE over GMVAE.", Rule.MOST, hgmvae_beats_gmvae()),
        ("C9", "HGMVAE takes longer to train than a VAE.", Rule.EVERY, hgmvae_trains_longer()),
    )
)
