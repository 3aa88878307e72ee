"""Verdicts that the audit shows to depend on what the paper leaves open, which become "not comparable".

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
    """Change the verdicts that depend on the protocol to "not comparable".

    A verdict depends on it if the mean under another reading (`is_reading`) differs from that under the judged protocol
    by more than the tolerance, on the audited seeds, and leads to another verdict. If all such readings lead to the
    same verdict, it is kept, because what the paper leaves open makes no difference. Numbers that the audit has not
    scored keep their verdict.

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
    """The verdict, with all reasons for not deciding a number merged."""
    return Verdict.UNDECIDED if verdict == Verdict.OUT_OF_REACH else verdict


def _other_verdict(
    values: Mapping[str, Mapping[int, float]], verdict: str, paper: float, tolerance: Tolerance
) -> tuple[str, str] | None:
    """The first alternative that is far from the judged protocol and leads to another verdict, with that verdict.

    Both are judged on their common seeds, so that fewer seeds alone do not cause another verdict.
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
