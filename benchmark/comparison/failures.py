"""Exact test of whether a method's trials ended without a score more often on one side, over all kinds of trial."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.comparison.sides import ComparedSide, Kind, Score
from benchmark.paper.tables import ScorePlace
from benchmark.results.frame import METRIC_UNAVAILABLE
from benchmark.results.records import OK

OUTCOMES = ("diverged", "failed", METRIC_UNAVAILABLE)  # how a trial can end without a score
_ROUNDED = 1 + 1e-7  # factor by which equal probabilities may differ


@dataclass(frozen=True)
class Ended:
    """How the trials of one kind ended on both sides.

    Attributes:
        a: Number of A's trials that ended.
        failed_a: Number of these without a score.
        b: Number of B's trials that ended.
        failed_b: Number of these without a score.
    """

    a: int
    failed_a: int
    b: int
    failed_b: int

    @property
    def failed(self) -> int:
        """The number of failed trials of both sides."""
        return self.failed_a + self.failed_b

    def alike(self) -> bool:
        """Whether the same share failed on both sides."""
        return self.failed_a * self.b == self.failed_b * self.a


def ended_trials(a: ComparedSide, b: ComparedSide) -> dict[str, list[Ended]]:
    """Count how trials ended, per method, for the kinds of trial that both sides have run."""
    ends_a, ends_b = _ends(a.scores), _ends(b.scores)
    found: dict[str, list[Ended]] = {}
    for kind, of_a in ends_a.items():
        if of_b := ends_b.get(kind):
            ended = Ended(len(of_a), sum(of_a.values()), len(of_b), sum(of_b.values()))
            found.setdefault(kind.method, []).append(ended)
    return found


def _ends(scores: Mapping[ScorePlace, Mapping[int | None, Score]]) -> dict[Kind, dict[int | None, bool]]:
    """Kind -> seed -> whether any requested score of the trial is missing, for trials that ended."""
    ends: dict[Kind, dict[int | None, bool]] = {}
    for cell, seeds in scores.items():
        for seed, score in seeds.items():
            if score.status in (OK, *OUTCOMES):
                of_kind = ends.setdefault(Kind(cell.dataset, cell.method, cell.latent_dim), {})
                of_kind[seed] = of_kind.get(seed, False) or score.status in OUTCOMES
    return ends


def failures_p(kinds: Iterable[Ended]) -> float:
    """Return the two-sided exact p of B's failures, given how many trials of each kind failed on both sides together.

    With one kind this is Fisher's exact test; with several, B's failures are a sum of independent hypergeometric
    variables. Two-sided: the probability of all sums that are no more likely than the observed one.

    Source: Fisher, The Design of Experiments, 1935; Cox, Journal of the Royal Statistical Society B 20, 1958.
    """
    chances = np.ones(1)
    observed = 0
    for kind in kinds:
        counts: Sequence[int] = range(min(kind.failed, kind.b) + 1)
        chances = np.convolve(chances, stats.hypergeom.pmf(counts, kind.a + kind.b, kind.failed, kind.b))
        observed += kind.failed_b
    return min(1.0, float(chances[chances <= chances[observed] * _ROUNDED].sum()))
