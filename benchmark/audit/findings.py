"""What an audit found, as frames: from its results alone, without models."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.audit.audit_files import AuditResult, audit_frame
from benchmark.audit.distances import distances
from benchmark.audit.flips import flips
from benchmark.audit.outputs import JUDGED
from benchmark.audit.spread import spread
from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults

# Of a score, relative or absolute, whichever allows more: one test image of 10,000 and a little, since checkpoints are
# evaluated in other batches than in the run.
SAME_SCORE = 2e-4


@dataclass(frozen=True)
class Findings:
    """`scores` as `audit_frame`, `distances`, `flips` and `spread` as the functions of these names give them.

    `drifted`: rows of `scores` under the judged protocol that the trial's record does not confirm, with the column
    `recorded`. `audited` of `trials` were evaluated again.
    """

    scores: pd.DataFrame
    distances: pd.DataFrame
    flips: pd.DataFrame
    spread: pd.DataFrame
    drifted: pd.DataFrame
    audited: int
    trials: int


def findings(study: StudyResults, results: Mapping[str, AuditResult]) -> Findings | None:
    """None where nothing was audited."""
    scores = audit_frame(study.records, results)
    if scores.empty:
        return None
    return Findings(
        scores,
        distances(scores),
        flips(study, scores),
        spread(scores),
        drifted(study.records, scores),
        scores["key"].nunique(),
        len(study.records),
    )


def drifted(records: Mapping[str, Record], scores: pd.DataFrame) -> pd.DataFrame:
    """The judged protocol's scores that differ from the trial's record by more than SAME_SCORE."""
    again = scores[(scores["alternative"] == JUDGED) & scores["value"].notna()]
    recorded = [records[row.key].score(row.protocol, row.metric) for row in again.itertuples()]
    again = again.assign(recorded=np.array(recorded, dtype=float))
    allowed = SAME_SCORE * np.maximum(1, again["recorded"].abs())
    return again[(again["value"].astype(float) - again["recorded"]).abs() > allowed].drop(columns="reason")
