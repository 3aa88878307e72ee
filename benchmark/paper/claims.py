"""The paper's claims C1-C9 as contests between methods: plain data, declared before any result.

A contest asserts that one side (a method at a latent dim) has a better score than another. A claim has one or more
parts; each is a mean over contests and must hold. How each claim is interpreted, and why: docs/verdicts.md.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchmark.paper.tables import PRINTED_TABLES, ScorePlace

SECONDS = "training_seconds"  # the metric of C9: a timing in records
ALL = "all"  # the data set of C9


class Contender(NamedTuple):
    """One side of a contest: a method at a latent dim; None (C9): at all dims that both sides were trained at."""

    method: str
    latent_dim: int | None


@dataclass(frozen=True)
class Contest:
    """One comparison that a claim makes: `favoured` is claimed to score better than `rival`.

    Attributes:
        family: The name of the contests whose tests are corrected together.
        unit: The name of the contests that the claim counts as one; a unit holds if all its contests do.
        table: The paper's table with its numbers; None if there is none.
        dataset: A data set, or ALL.
        metric: A metric, or SECONDS.
        favoured: The side claimed to be better; if there are several, the best of them.
        rival: The other side.
    """

    family: str
    unit: str
    table: int | None
    dataset: str
    metric: str
    favoured: tuple[Contender, ...]
    rival: Contender

    @property
    def sides(self) -> tuple[Contender, ...]:
        """The favoured sides, then the rival."""
        return (*self.favoured, self.rival)

    @property
    def places(self) -> dict[Contender, ScorePlace]:
        """The place of each side's score; at all latent dims (C9) a side has no score, and its latent dim here is 0."""
        return {side: ScorePlace(self.dataset, self.metric, side.method, side.latent_dim or 0) for side in self.sides}


@dataclass(frozen=True)
class Part:
    """An assertion of a claim about a mean over some of its contests.

    Attributes:
        name: What the favoured side is compared with, or where.
        contests: The contests that are averaged.
        bar: The mean difference that must be exceeded, in margins: 0 for "better", -1 for "not worse".
    """

    name: str
    contests: tuple[Contest, ...]
    bar: float = 0.0


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes:
        name: "C1" to "C9".
        text: The claim in our words.
        contests: The comparisons that it consists of.
        parts: Its assertions about their means; the claim holds if every part does.
    """

    name: str
    text: str
    contests: tuple[Contest, ...]
    parts: tuple[Part, ...]


def _one_part(contests: Sequence[Contest]) -> tuple[Part, ...]:
    return (Part("all", tuple(contests)),)


def _parts_by(name: Callable[[Contest], str], bar: float = 0.0) -> Callable[[Sequence[Contest]], tuple[Part, ...]]:
    """A part for each name that `name` gives to contests."""

    def parts(contests: Sequence[Contest]) -> tuple[Part, ...]:
        names = dict.fromkeys(map(name, contests))
        return tuple(Part(each, tuple(one for one in contests if name(one) == each), bar) for each in names)

    return parts


def _rival(contest: Contest) -> str:
    return f"over {contest.rival.method}"


def _favoured_over_rival(contest: Contest) -> str:
    [side] = contest.favoured
    return f"{side.method} over {contest.rival.method}"


def _eight_and_the_rest(contests: Sequence[Contest]) -> tuple[Part, ...]:
    """The part that d = 8 is better than the mean of the others, and those that no other is better than d = 8."""
    others = _parts_by(lambda contest: f"not below d = {contest.rival.latent_dim}", bar=-1.0)(contests)
    return (Part("over the mean of the other d", tuple(contests)), *others)


def _contests(
    table: int, favoured: tuple[str, ...], rivals: tuple[str, ...], family: str, unit: str = ""
) -> Iterator[Contest]:
    """All contests of the favoured methods against each rival in a table; `family` and `unit` are templates."""
    printed = PRINTED_TABLES[table]
    for dataset in printed.datasets:
        for metric in printed.metrics:
            for dim in printed.latent_dims:
                for rival in rivals:
                    names = {"table": table, "dataset": dataset, "metric": metric, "dim": dim, "rival": rival}
                    sides = tuple(Contender(method, dim) for method in favoured)
                    each = f"{dataset} {metric} {'/'.join(favoured)} d={dim} over {rival}"
                    yield Contest(
                        family.format(**names),
                        unit.format(**names) or each,
                        table,
                        dataset,
                        metric,
                        sides,
                        Contender(rival, dim),
                    )


def better_of_two_beats_gmvae() -> Iterator[Contest]:
    """Yield C1's contests: the better of HGMVAE-G and -U against GMVAE at every place of Table 1."""
    yield from _contests(1, ("hgmvae_g", "hgmvae_u"), ("gmvae",), "C1")


def gaussian_below_16_uniform_from_16() -> Iterator[Contest]:
    """Yield C2's contests over Table 1: HGMVAE-G against -U below d = 16, -U against -G from there on."""
    for contest in _contests(1, ("hgmvae_g",), ("hgmvae_u",), "C2"):
        [side] = contest.favoured
        if side.latent_dim is not None and side.latent_dim < 16:
            yield contest
        else:
            yield replace(contest, favoured=(contest.rival,), rival=side)


def eight_is_the_best_dim() -> Iterator[Contest]:
    """Yield C3's contests: each method of Table 1 at d = 8 against itself at every other d; a metric is a family."""
    table = PRINTED_TABLES[1]
    for metric in table.metrics:
        for method in table.methods:
            for dim in table.latent_dims:
                if dim != 8:
                    unit = f"mnist {metric} {method}"
                    yield Contest(
                        f"C3 {metric}", unit, 1, "mnist", metric, (Contender(method, 8),), Contender(method, dim)
                    )


def hgmvae_g_classifies_best() -> Iterator[Contest]:
    """Yield C4's contests: HGMVAE-G against every other method of Table 2; a data set is a unit."""
    rivals = tuple(method for method in PRINTED_TABLES[2].methods if method != "hgmvae_g")
    yield from _contests(2, ("hgmvae_g",), rivals, "C4", unit="{dataset}")


def hgmvae_u_reconstructs_best() -> Iterator[Contest]:
    """Yield C5's contests: HGMVAE-U against every other method of Table 3; a data set's metric is a unit."""
    rivals = tuple(method for method in PRINTED_TABLES[3].methods if method != "hgmvae_u")
    yield from _contests(3, ("hgmvae_u",), rivals, "C5 {dataset} {metric}", unit="{dataset} {metric}")


def fisher_helps(table: int, family: str) -> Iterator[Contest]:
    """Yield C6's (Table 4) or C7's (Table 5) contests: each HGMVAE against itself without the Fisher term."""
    for method in ("hgmvae_g", "hgmvae_u"):
        yield from _contests(table, (method,), (f"{method}_no_fisher",), f"{family} {method}")


def hgmvae_beats_gmvae() -> Iterator[Contest]:
    """Yield C8's contests: each HGMVAE against GMVAE at every place of Tables 4 and 5."""
    for table in (4, 5):
        for method in ("hgmvae_g", "hgmvae_u"):
            yield from _contests(table, (method,), ("gmvae",), f"C8 table {table} {method}")


def hgmvae_trains_longer() -> Iterator[Contest]:
    """Yield C9's contests: the training time of each HGMVAE against the VAE's, over all data sets and dims at once.

    Seeds trained in one pack share one time, so single places have too few independent times for a test.
    """
    for method in ("hgmvae_g", "hgmvae_u"):
        yield Contest(f"C9 {method}", method, None, ALL, SECONDS, (Contender(method, None),), Contender("vae", None))


CLAIMS = tuple(
    Claim(name, text, tuple(contests), parts(tuple(contests)))
    for name, text, contests, parts in (
        (
            "C1",
            "The better of HGMVAE-G and -U clusters better than GMVAE at every d.",
            [*better_of_two_beats_gmvae()],
            _one_part,
        ),
        (
            "C2",
            "HGMVAE-G clusters better below d = 16, -U from there on.",
            [*gaussian_below_16_uniform_from_16()],
            _parts_by(_favoured_over_rival),
        ),
        ("C3", "Clustering is best at d = 8.", [*eight_is_the_best_dim()], _eight_and_the_rest),
        ("C4", "HGMVAE-G has the highest SVM accuracy.", [*hgmvae_g_classifies_best()], _parts_by(_rival)),
        (
            "C5",
            "HGMVAE-U reconstructs best in most scores.",
            [*hgmvae_u_reconstructs_best()],
            _parts_by(_rival),
        ),
        ("C6", "The Fisher term improves clustering.", [*fisher_helps(4, "C6")], _one_part),
        ("C7", "The Fisher term improves reconstruction.", [*fisher_helps(5, "C7")], _one_part),
        (
            "C8",
            "A mixture per image beats a Gaussian per image: HGMVAE over GMVAE.",
            [*hgmvae_beats_gmvae()],
            _one_part,
        ),
        ("C9", "HGMVAE takes longer to train than a VAE.", [*hgmvae_trains_longer()], _one_part),
    )
)
