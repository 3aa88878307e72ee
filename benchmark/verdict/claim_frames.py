"""Claims, their parts and their contests, as judged, as frames."""

from collections.abc import Sequence

import pandas as pd

from benchmark.paper.claims import SECONDS, Contender
from benchmark.statistics import POWER
from benchmark.verdict.claim_effects import SEEDS_TRIED, Power
from benchmark.verdict.claim_judging import ClaimState, Judgement, power_of


def claims_frame(ours: Sequence[Judgement], papers: Sequence[Judgement]) -> pd.DataFrame:
    """Tabulate the claims, one row each, as judged on our runs and on the paper's own numbers.

    Args:
        ours: The judgements on our runs.
        papers: The judgements on the paper's numbers, of the same claims in the same order.

    Returns:
        Columns: `claim`, `says`, `ours` and `papers` (states), `on_run` (the state by the contests that were run),
        `why_ours` and `why_papers`, `n` (seeds), `effect`, `low` and `high` (of the deciding part, in margins),
        `power_if_as_printed`, `power_if_none` and `seeds_needed` (see `Power`), `power` (the same in words) and
        `reduced`.
    """
    rows = []
    for mine, printed in zip(ours, papers, strict=True):
        least, strength = mine.deciding, power_of(mine)
        rows.append(
            {
                "claim": mine.claim.name,
                "says": mine.claim.text,
                "ours": str(mine.state),
                "on_run": str(mine.on_run),
                "why_ours": mine.reason,
                "n": mine.n,
                "effect": least and least.effect,
                "low": least and least.low,
                "high": least and least.high,
                "power_if_as_printed": strength and strength.if_as_printed,
                "power_if_none": strength and strength.if_none,
                "seeds_needed": strength and strength.seeds_needed,
                "power": _power_text(strength, "places" if mine.claim.contests[0].metric == SECONDS else "seeds"),
                "reduced": mine.reduced,
                "papers": str(printed.state),
                "why_papers": printed.reason,
            }
        )
    return pd.DataFrame(rows).astype({"seeds_needed": "Int64"})


def _power_text(strength: Power | None, of: str) -> str:
    """The power of a claim's tests with these seeds, or of what else `of` counts, in words; empty if None."""
    if strength is None:
        return ""
    chances = [f"of “{ClaimState.REFUTED}” if there is no difference {100 * strength.if_none:.0f} %"]
    if strength.if_as_printed is not None:
        chances.insert(0, f"of “{ClaimState.SUPPORTED}” if the paper is right {100 * strength.if_as_printed:.0f} %")
    needed = f"{strength.seeds_needed}" if strength.seeds_needed else f"more than {SEEDS_TRIED[-1]}"
    return f"chance {', '.join(chances)}" + ("" if strength.enough else f"; {100 * POWER:.0f} % need {needed} {of}")


def parts_frame(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Tabulate the parts that have values, one row each.

    Returns:
        Columns: `claim`, `part`, `bar`, `contests` (how many there are), `run` (how many of them have values), `n`,
        `effect`, `low`, `high` and `printed`, all in margins.
    """
    return pd.DataFrame(
        {
            "claim": judgement.claim.name,
            "part": one.part.name,
            "bar": one.part.bar,
            "contests": len(one.part.contests),
            "run": one.run,
            "n": judgement.n,
            "effect": one.effect,
            "low": one.low,
            "high": one.high,
            "printed": one.printed,
        }
        for judgement in judgements
        for one in judgement.parts
    )


def contests_frame(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Tabulate the contests of judgements, one row each.

    Returns:
        Columns: `claim`, `family`, `unit`, `table`, `dataset`, `metric`, `favoured` (its sides, joined by "/", each as
        METHOD@DIM), `rival`, and the fields of ContestResult; `low` and `high` are the 95 % interval of the difference.
        Values that a contest lacks are missing.
    """
    rows = []
    for judgement in judgements:
        for one in judgement.contests:
            contest, test = one.contest, one.test
            interval = test and test.estimate.interval
            rows.append(
                {
                    "claim": judgement.claim.name,
                    "family": contest.family,
                    "unit": contest.unit,
                    "table": contest.table,
                    "dataset": contest.dataset,
                    "metric": contest.metric,
                    "favoured": "/".join(_named(side) for side in contest.favoured),
                    "rival": _named(contest.rival),
                    "chosen": one.chosen and _named(one.chosen),
                    "outcome": str(one.outcome),
                    "n": one.n,
                    "difference": one.difference,
                    "low": interval and interval.low,
                    "high": interval and interval.high,
                    "in_spreads": one.in_spreads,
                    "p_wilcoxon": test and test.p_wilcoxon,
                    "p_holm": one.p_holm,
                    "p_t": test and test.p_t,
                    "p_t_holm": one.p_t_holm,
                    "powerless": one.powerless,
                    "reason": one.reason,
                }
            )
    return pd.DataFrame(rows)


def _named(side: Contender) -> str:
    return side.method if side.latent_dim is None else f"{side.method}@{side.latent_dim}"
