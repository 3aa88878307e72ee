"""Numbers whose verdict hangs on what the paper leaves open: found by the audit, and then not comparable.

Rules and their reasons: docs/verdicts.md.
"""

from collections.abc import Mapping

import pandas as pd

from benchmark.audit.outputs import JUDGED, is_reading
from benchmark.statistics import Tolerance, estimate
from benchmark.table_specs import TABLES
from benchmark.verdict.cell_verdicts import OPEN_PROTOCOL, TOLERANCES, Verdict, difference_from_paper, verdict_on

_PLACE = ["protocol", "dataset", "metric", "method", "latent_dim"]


def with_open_protocols(
    verdicts: pd.DataFrame, scores: pd.DataFrame, tolerances: Mapping[str, Tolerance] = TOLERANCES
) -> pd.DataFrame:
    """The frame of `cell_verdicts` with more numbers not comparable, from the audit's `scores` (`audit_frame`).

    Those are the judged ones for which another reading's (`is_reading`) mean is farther than the tolerance from the
    judged protocol's, on the audited seeds, and has another verdict. Where every such reading agrees the verdict
    stands: what the paper leaves open does not matter. What an audit has not scored stays as it is.
    """
    found = scores[scores["value"].notna() & scores["alternative"].map(is_reading)]
    by_place = {
        place: {
            name: dict(zip(of["seed"], of["value"].astype(float), strict=True))
            for name, of in part.groupby("alternative", sort=False)
        }
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
    values: Mapping[str, Mapping[int, float]], verdict: str, paper: float, asked: int, tolerance: Tolerance
) -> tuple[str, str] | None:
    """The first alternative that is far from the judged protocol and says otherwise, and what it says.

    Both are looked at on the seeds that both have scored: few seeds alone are no other verdict.
    """
    bound = tolerance.at(paper)
    for name, under in values.items():
        if seeds := sorted(under.keys() & values.get(JUDGED, {}).keys()):
            judged, mean = (estimate([of[seed] for seed in seeds]) for of in (values[JUDGED], under))
            same_seeds, other = (
                verdict_on(one, difference_from_paper(one, paper), bound, asked)[0] for one in (judged, mean)
            )
            if abs(mean.mean - judged.mean) > bound and other not in (verdict, same_seeds):
                return name, str(other)
    return None
