"""Tables 6 and 7, whose scores come from the audit, added to a study's results."""

from collections.abc import Mapping

from benchmark.audit.audit_files import AlternativeScores, AuditResult
from benchmark.audit.outputs import JUDGED
from benchmark.results.records import Record
from benchmark.results.study_results import StudyResults
from benchmark.table_specs import OWN_TABLES

NOT_AUDITED = "not audited"


def with_own_tables(study: StudyResults, results: Mapping[str, AuditResult]) -> StudyResults:
    """Add the cells of Tables 6 and 7 to a study, and their scores to its records.

    A cell is added for each data set, method and latent dimension of which a seed was scored under the table's
    protocol; its other seeds get the reason NOT_AUDITED.

    Args:
        study: The study that was audited.
        results: The audit's results by key.

    Returns:
        The study with the added cells and scores; `study` itself if there are none.
    """
    scored = {key: result.scores for key, result in results.items() if key in study.records}
    cells = []
    for table in OWN_TABLES.values():
        kinds = {cell.kind: cell for cell in study.manifest.cells}
        cells += [
            cell.in_table(table.number)
            for cell in kinds.values()
            if any(table.protocol in scored.get(key, {}) for key in cell.keys.values())
        ]
    if not cells:
        return study
    return StudyResults(
        study.manifest.with_cells([*study.manifest.cells, *cells]),
        {key: _with_scores(record, scored.get(key, {})) for key, record in study.records.items()},
    )


def _with_scores(record: Record, scores: Mapping[str, Mapping[str, AlternativeScores]]) -> Record:
    own = {
        table.protocol: scores[table.protocol][JUDGED]
        if table.protocol in scores
        else AlternativeScores({}, dict.fromkeys(table.metrics, NOT_AUDITED))
        for table in OWN_TABLES.values()
    }
    return record.updated(
        metrics={**record.metrics, **{name: score.values for name, score in own.items()}},
        unavailable={**record.unavailable, **{name: score.unavailable for name, score in own.items()}},
    )
