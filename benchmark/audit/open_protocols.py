"""Verdicts that depend on what the paper leaves open, as the audit shows; they become "not comparable".

Rules and their reasons: docs/verdicts.md.
"""

from collections.abc import Mapping

import pandas as pd

from benchmark.audit.outputs import JUDGED
from benchmark.audit.readings import is_reading
from benchmark.paper.tables import PLACE
from benchmark.statistics import Tolerance, estimate
from benchmark.table_specs import TABLES
from benchmark.verdict.cell_verdicts import OPEN_PROTOCOL, PRINTED_TOLERANCES, Verdict, verdict_on


def with_open_protocols(verdicts: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Make the verdicts that depend on the protocol "not comparable".

    A verdict becomes so where the mean under another reading (`is_reading`) is farther than the tolerance from the mean
    under the judged protocol, on the audited seeds, and leads to another verdict. Where every such reading leads to the
    same verdict it stands, since what the paper leaves open makes no difference. Numbers that the audit has not scored
    keep their verdict.

    Args:
        verdicts: The result of `cell_verdicts`.
        scores: The result of `audit_frame`.

    Returns:
        A copy of `verdicts` with the columns `verdict` and `reason` changed in those rows.
    """
    found = scores[scores["value"].notna() & scores["alternative"].map(is_reading)]
    by_place = {
        place: {
            name: dict(zip(of["seed"], of["value"].astype(float), strict=True))
            for name, of in part.groupby("alternative", sort=False)
        }
        for place, part in found.groupby(["protocol", *PLACE], sort=False)
    }
    verdicts = verdicts.copy()
    for row in verdicts[verdicts["n"] > 0].itertuples():
        if row.verdict == Verdict.NOT_COMPARABLE:
            continue
        values = by_place.get((TABLES[row.table].protocol, row.dataset, row.metric, row.method, row.latent_dim), {})
        if other := _other_verdict(values, row.verdict, row.paper, PRINTED_TOLERANCES[row.metric]):
            name, verdict = other
            verdicts.loc[row.Index, "reason"] = f"{OPEN_PROTOCOL}: {row.verdict} as judged, {verdict} under “{name}”"
            verdicts.loc[row.Index, "verdict"] = str(Verdict.NOT_COMPARABLE)
    return verdicts


def _decision(verdict: str) -> str:
    """The verdict, in which it makes no difference why a number is not decided."""
    return Verdict.UNDECIDED if verdict == Verdict.OUT_OF_REACH else verdict


def _other_verdict(
    values: Mapping[str, Mapping[int, float]], verdict: str, paper: float, tolerance: Tolerance
) -> tuple[str, str] | None:
    """The first alternative that is far from the judged protocol and leads to another verdict, and that verdict.

    Both are judged on the seeds that both have scored, so that a smaller number of seeds alone is no other verdict.
    """
    bound = tolerance.at(paper)
    for name, under in values.items():
        if seeds := sorted(under.keys() & values.get(JUDGED, {}).keys()):
            judged, mean = (estimate([of[seed] for seed in seeds]) for of in (values[JUDGED], under))
            same_seeds, other = (verdict_on(one, paper, bound, asked=len(seeds))[0] for one in (judged, mean))
            far = abs(mean.mean - judged.mean) > bound
            if far and _decision(other) not in (_decision(verdict), _decision(same_seeds)):
                return name, str(other)
    return None
