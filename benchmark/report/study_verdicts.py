"""A study's verdicts on the paper, computed once for its files, its page and the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from benchmark.audit.audit_files import AuditResult, audit_frame
from benchmark.audit.open_protocols import with_open_protocols
from benchmark.results.study_results import StudyResults
from benchmark.verdict.cell_verdicts import cell_verdicts, rank_agreements
from benchmark.verdict.claim_frames import claims_frame, contests_frame, parts_frame
from benchmark.verdict.claim_judging import judge_printed, judge_runs


@dataclass(frozen=True)
class StudyVerdicts:
    """A study's verdicts on the paper, as frames.

    Attributes:
        cells: The result of `cell_verdicts`, adjusted by the audit's findings.
        agreements: The result of `rank_agreements`.
        claims: The result of `claims_frame`.
        parts: The result of `parts_frame`.
        contests: The result of `contests_frame`.
    """

    cells: pd.DataFrame
    agreements: pd.DataFrame
    claims: pd.DataFrame
    parts: pd.DataFrame
    contests: pd.DataFrame


def verdicts_of(study: StudyResults, audited: Mapping[str, AuditResult]) -> StudyVerdicts:
    """Judge every printed number and claim of the paper by a study.

    Args:
        study: The study.
        audited: The audit's results by trial key.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    cells = with_open_protocols(cell_verdicts(study), audit_frame(study.records, audited))
    ours = judge_runs(study)
    return StudyVerdicts(
        cells, rank_agreements(study), claims_frame(ours, judge_printed()), parts_frame(ours), contests_frame(ours)
    )
