"""The choice of the study `best-case-choice`: the best of HGMVAE's candidates and the best of the rivals'.

The rule is in docs/best-case.md and was fixed before the study was run.
"""

from collections.abc import Mapping

import pandas as pd

from benchmark.controls.answers import MEASURES
from benchmark.errors import UserError
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.study_results import StudyResults
from benchmark.studies.named_studies import CHOICE, STUDIES
from benchmark.tables.pipe_table import wide_table
from benchmark.training.training_settings import precision_note

CHOSEN_IN: Mapping[str, int] = {"svm_accuracy": 2, "ssim": 3}  # measure -> the table of its scores
HGMVAE, RIVAL = "HGMVAE", "rival"


def best_of_each(study: StudyResults) -> pd.DataFrame:
    """Average every candidate's scores over its seeds, counting a diverged one as zero, and choose the best.

    Among equal means the candidate that the study declares first is chosen.

    Args:
        study: The results of the study CHOICE.

    Returns:
        A row for every measure of CHOSEN_IN and candidate, the best of each side first: `measure`, `side` (HGMVAE or
        RIVAL), `method`, `mean`, `seeds`, `diverged` (number of seeds) and `chosen`.

    Raises:
        UserError: The study is not the declared one, in any precision; a candidate has a seed without a score that has
            not diverged, so that nothing can be chosen yet; or a record's trial is not the one of its cell.
    """
    declared, manifest = STUDIES[CHOICE], study.manifest
    notes = {*manifest.notes} - {precision_note(manifest.precision)}
    if changed := sorted(notes ^ {*declared.notes()}):
        raise UserError(f"nothing is chosen: the study was not run as declared ({'; '.join(changed)})")
    outcomes = {
        (row.table, row.dataset, row.metric, row.method, row.latent_dim, row.seed): (row.value, row.status)
        for row in study.frame.itertuples()
    }
    rows, lacking = [], 0
    for measure, table in CHOSEN_IN.items():
        for _, dataset, method, latent_dim in (cell for cell in declared.cells() if cell.table == table):
            places = [(table, dataset, measure, method, latent_dim, seed) for seed in range(declared.seeds)]
            of_seeds = [outcomes.get(place, (0.0, "")) for place in places]
            diverged = [status == "diverged" for _, status in of_seeds]
            lacking += sum(status not in ("ok", "diverged") for _, status in of_seeds)
            mean = sum(0.0 if gone else score for (score, _), gone in zip(of_seeds, diverged, strict=True))
            rows.append(
                {
                    "measure": measure,
                    "side": HGMVAE if method.startswith("hgmvae") else RIVAL,
                    "method": method,
                    "mean": mean / declared.seeds,
                    "seeds": declared.seeds,
                    "diverged": sum(diverged),
                }
            )
    if lacking:
        raise UserError(
            f"nothing is chosen yet: {lacking} of {len(rows) * declared.seeds} scores are missing, not counting "
            f"diverged trials; complete run --study {CHOICE}"
        )
    found = pd.DataFrame(rows)
    ordered = found.sort_values(["measure", "side", "mean"], ascending=[False, True, False], kind="stable")
    return ordered.assign(chosen=~ordered.duplicated(["measure", "side"])).reset_index(drop=True)


def render_best_of_each(found: pd.DataFrame) -> str:
    """Render both choices, followed by every candidate, as Markdown.

    Args:
        found: The result of `best_of_each`.
    """
    parts = [
        f"# Study {CHOICE}",
        "Of HGMVAE's candidates, and of the rivals', the one with the highest mean over seeds is chosen, by accuracy "
        "and by SSIM of training images that were held out; a diverged seed counts as zero.",
    ]
    for measure, of_measure in found.groupby("measure", sort=False):
        best = of_measure[of_measure["chosen"]]
        said = (f"{row.side}: {_label(row.method)} (`{row.method}`), {row.mean:.4f}" for row in best.itertuples())
        rows = [
            [row.side, _label(row.method), f"{row.mean:.4f}", f"{row.diverged} of {row.seeds}" if row.diverged else ""]
            for row in of_measure.itertuples()
        ]
        parts += [
            f"## {MEASURES[str(measure)].label}",
            f"Chosen: {'; '.join(said)}.",
            wide_table(["side", "candidate", "mean", "diverged"], rows),
        ]
    return "\n\n".join(parts) + "\n"


def _label(method: str) -> str:
    return ALL_METHODS[method].label
