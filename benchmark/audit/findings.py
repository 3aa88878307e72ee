"""An audit's findings as frames, computed from its results without models."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.audit.audit_files import AuditResult, audit_frame, lacking
from benchmark.audit.distances import distances
from benchmark.audit.flips import flips
from benchmark.audit.outputs import JUDGED
from benchmark.audit.spread import spread
from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults

# The largest difference, relative or absolute (the larger bound applies), at which two scores count as the same. It is
# somewhat more than one test image of 10,000, because an audit uses other batches than the run.
SAME_SCORE = 2e-4


@dataclass(frozen=True)
class Findings:
    """All findings of a study's audit.

    Attributes:
        scores: The result of `audit_frame`.
        distances: Distances of our means from the paper's numbers, the result of `distances`.
        flips: States of claims under the alternatives, the result of `flips`.
        spread: Standard deviations of clustering scores by source, the result of `spread`.
        drifted: Judged scores that differ from the records, the result of `drifted`.
        audited: Number of trials that were scored again.
        trials: Number of trials that have a record.
        lacking: Alternative -> number of trials audited before it was added.
    """

    scores: pd.DataFrame
    distances: pd.DataFrame
    flips: pd.DataFrame
    spread: pd.DataFrame
    drifted: pd.DataFrame
    audited: int
    trials: int
    lacking: Mapping[str, int]


def findings(study: StudyResults, results: Mapping[str, AuditResult]) -> Findings | None:
    """Compute the findings of an audit.

    Args:
        study: The study that was audited.
        results: The audit's results by key.

    Returns:
        The findings; None if nothing was audited.
    """
    scores = audit_frame(study.records, results)
    if scores.empty:
        return None
    return Findings(
        scores,
        distances(scores),
        flips(scores),
        spread(scores),
        drifted(study.records, scores),
        scores["key"].nunique(),
        len(study.records),
        Counter(name for key in results if key in study.records for name in lacking(results[key])),
    )


def drifted(records: Mapping[str, Record], scores: pd.DataFrame) -> pd.DataFrame:
    """Find the scores under the judged protocol that differ from the trial's record by more than SAME_SCORE.

    Args:
        records: The study's records by key.
        scores: The result of `audit_frame`.

    Returns:
        The rows of `scores` concerned, with the column `recorded` instead of `reason`.
    """
    again = scores[(scores["alternative"] == JUDGED) & scores["value"].notna()]
    recorded = [records[row.key].score(row.protocol, row.metric) for row in again.itertuples()]
    again = again.assign(recorded=np.array(recorded, dtype=float))
    allowed = SAME_SCORE * np.maximum(1, again["recorded"].abs())
    return again[(again["value"].astype(float) - again["recorded"]).abs() > allowed].drop(columns="reason")
