"""Numbers whose verdict hangs on what the paper leaves open: found by the audit, and then not comparable.

Rules and their reasons: docs/verdicts.md.
"""

from collections.abc import Mapping

import pandas as pd

from benchmark.audit.outputs import JUDGED
from benchmark.paper import TABLES
from benchmark.verdict.cells import TOLERANCES, Verdict, difference_from_paper, verdict_on
from benchmark.verdict.statistics import Tolerance, estimate

OPEN_PROTOCOL = "the paper leaves the protocol open, and it decides"
# What an alternative departs in although the paper is clear about it: its Table 3 is of reconstructions.
CLEAR = ("prior samples",)
_PLACE = ["protocol", "dataset", "metric", "method", "latent_dim"]


def with_open_protocols(
    verdicts: pd.DataFrame, scores: pd.DataFrame, tolerances: Mapping[str, Tolerance] = TOLERANCES
) -> pd.DataFrame:
    """The frame of `cell_verdicts` with more numbers not comparable, from the audit's `scores` (`audit_frame`).

    Those are the judged ones for which an alternative's mean is farther than the tolerance from the judged protocol's,
    on the audited seeds, and has another verdict. Where every such alternative agrees the verdict stands: what the
    paper leaves open does not matter. What an audit has not scored stays as it is.
    """
    found = scores[scores["value"].notna() & ~scores["alternative"].isin(CLEAR)]
    by_place = {
        place: {name: list(values.astype(float)) for name, values in part.groupby("alternative", sort=False)["value"]}
        for place, part in found.groupby(_PLACE, sort=False)
    }
    verdicts = verdicts.copy()
    for row in verdicts[verdicts["n"] > 0].itertuples():
        if row.verdict == Verdict.NOT_COMPARABLE:
            continue
        values = by_place.get((TABLES[row.table].protocol, row.dataset, row.metric, row.method, row.latent_dim), {})
        if other := _other_verdict(values, row.verdict, row.paper, row.asked, tolerances[row.metric]):
            name, verdict = other
            verdicts.loc[row.Index, "reason"] = f"{OPEN_PROTOCOL}: {row.verdict} as judged, {verdict} under “{name}”"
            verdicts.loc[row.Index, "verdict"] = str(Verdict.NOT_COMPARABLE)
    return verdicts


def _other_verdict(
    values: Mapping[str, list[float]], verdict: str, paper: float, asked: int, tolerance: Tolerance
) -> tuple[str, str] | None:
    """The first alternative that is far from the judged protocol and says otherwise, and what it says."""
    if JUDGED not in values:
        return None
    judged, bound = estimate(values[JUDGED]), tolerance.at(paper)
    for name, under in values.items():
        mean = estimate(under)
        if abs(mean.mean - judged.mean) > bound:
            other, _ = verdict_on(mean, difference_from_paper(mean, paper), bound, asked)
            if other != verdict:
                return name, str(other)
    return None
