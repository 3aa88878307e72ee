"""Writing of a study's verdicts, figures and report to its results folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.audit.audit_files import AuditResult
from benchmark.commands.folders import THROUGHPUT
from benchmark.errors import UserError
from benchmark.execution.heartbeat import Heartbeat
from benchmark.execution.stored_models import images_in
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.pages import trials_on
from benchmark.figures.study_source import CannotDraw, StudySource
from benchmark.files import REPOSITORY, write_text, write_texts
from benchmark.plotting.figure_files import FORMATS, trials_shown
from benchmark.report.cost import paired_times
from benchmark.report.html import Picture, render_report
from benchmark.report.study_verdicts import StudyVerdicts
from benchmark.results.csv_text import csv_text
from benchmark.results.manifest import Manifest
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.table_specs import ALL_TABLES
from benchmark.text import short_message
from benchmark.verdict.cell_verdicts import summarise
from benchmark.verdict.verdict_latex import render_verdicts

REPORT = "report.html"
_REPORTED = {name: figure for name, figure in FIGURES.items() if figure.meaning}
# The figures that a report makes on its own, so that it needs neither checkpoints nor images.
_FROM_RECORDS = tuple(name for name, figure in _REPORTED.items() if figure.from_records)
_OTHER_TRIALS = "shows the trials of an earlier run; `judge` makes it again"
_MEASURED_TIMES = (THROUGHPUT, *sorted((REPOSITORY / "results" / "reference" / "throughput").glob("*")))


def write_verdicts(folder: Path, manifest: Manifest, verdicts: StudyVerdicts) -> None:
    """Write the verdicts as CSV and LaTeX into a folder.

    Raises:
        UserError: The folder is not writable.
    """
    frames = {
        "numbers": verdicts.cells,
        "summary": summarise(verdicts.cells),
        "agreements": verdicts.agreements,
        "claims": verdicts.claims,
        "claim_parts": verdicts.parts,
        "contests": verdicts.contests,
    }
    texts = {f"{name}.csv": csv_text(frame) for name, frame in frames.items()}
    texts |= render_verdicts(manifest, verdicts.cells, verdicts.agreements, verdicts.claims)
    write_texts(folder, texts)


def write_figures(
    source: StudySource, folder: Path, heartbeat: Heartbeat, formats: Sequence[str]
) -> dict[str, CannotDraw | None]:
    """Make all figures.

    Args:
        source: The study, with access to checkpoints and images.
        folder: Folder of the figures' files.
        heartbeat: Reports which figure is being made.
        formats: Names in FORMATS.

    Returns:
        Page -> why it was not made; None for a page that was made.

    Raises:
        UserError: A record belongs to a trial other than its cell's, or the folder is not writable.
    """
    pages: dict[str, CannotDraw | None] = {}
    for number, name in enumerate(FIGURES, start=1):
        with heartbeat.during(f"figures, {number} of {len(FIGURES)}: {name}"):
            pages |= _made(source, (name,), folder, formats)
    return pages


def make_page(
    store: Store,
    source: StudySource,
    audited: Mapping[str, AuditResult],
    verdicts: StudyVerdicts | None,
    heartbeat: Heartbeat,
    formats: Sequence[str] = tuple(FORMATS),
) -> None:
    """Write the figures, the verdicts and the report of a study.

    Pages of figures that the study no longer has, from an earlier run, are removed.

    Args:
        store: The results folder.
        source: The study, with access to checkpoints and images.
        audited: Results of the audit, by trial key.
        verdicts: Its verdicts on the paper; None if it has none.
        heartbeat: Reports progress.
        formats: Names in FORMATS, for the figures.

    Raises:
        OSError: A folder is not writable.
        UserError: A folder is not writable.
    """
    pages = write_figures(source, store.folder / "figures", heartbeat, formats)
    for path in store.folder.glob("figures/*"):
        if path.suffix[1:] in FORMATS and _kind(path.stem) and path.stem not in pages:
            path.unlink()
    with heartbeat.during("report"):
        if verdicts:
            write_verdicts(store.folder / "verdicts", source.study.manifest, verdicts)
        write_report(store.folder, source.study, audited, pages, verdicts)


def pages_of_records(store: Store, study: StudyResults) -> dict[str, CannotDraw | None]:
    """Make the figures that need only records, and report which others are missing from OUT/figures.

    Args:
        store: The results folder.
        study: Its study.

    Returns:
        Page -> why it was not made; None for a page that was made. A figure that the study can have but of which no
        page exists is listed under its own name.

    Raises:
        UserError: As for `write_figures`.
    """
    folder = store.folder / "figures"
    source = StudySource(study, store.checkpoint_path, images_in(Path(), offline=True))
    pages = _made(source, _FROM_RECORDS, folder, tuple(FORMATS))
    there = {_kind(path.stem) for path in folder.glob("*.png")}
    checkpoints = any(store.checkpoint_path(key).is_file() for key in study.records)
    why = (
        "not made yet; `judge` makes it"
        if checkpoints
        else "its checkpoints are gone; the same `run --force` trains anew"
    )
    without = {*_FROM_RECORDS, *there}
    if all(ALL_TABLES[cell.table].protocol != "clustering" for cell in study.manifest.cells):
        without.add("tsne")  # no trial of the study has t-SNE coordinates
    return pages | {kind: CannotDraw(why) for kind in _REPORTED if kind not in without}


def write_report(
    folder: Path,
    study: StudyResults,
    audited: Mapping[str, AuditResult],
    pages: Mapping[str, CannotDraw | None],
    verdicts: StudyVerdicts | None = None,
) -> int:
    """Write OUT/report.html with the pictures in OUT/figures that show the study's present trials.

    Args:
        folder: OUT.
        study: Its study.
        audited: Results of the audit, by trial key.
        pages: Output of `write_figures` or `pages_of_records`.
        verdicts: As for `render_report`.

    Returns:
        The size of the page in bytes.

    Raises:
        UserError: A record belongs to a trial other than its cell's, a picture is damaged, or the folder is not
            writable.
    """
    there = _pictures(folder / "figures")
    pictures = [one for one in there if _is_current(one, study, pages)]
    reasons = {one.name: _OTHER_TRIALS for one in there}
    reasons |= {page: str(why) for page, why in pages.items() if why and _kind(page)}
    shown = {one.name for one in pictures}
    skipped = [(page, why) for page, why in reasons.items() if page not in shown]
    times = paired_times(study, (folder, *_MEASURED_TIMES))
    page = render_report(study, pictures, skipped, audited, times, verdicts)
    write_text(folder / REPORT, page)
    return len(page.encode())


def _made(
    source: StudySource, names: Sequence[str], folder: Path, formats: Sequence[str]
) -> dict[str, CannotDraw | None]:
    made = make_figures(source, names, folder, formats)
    return {page: result if isinstance(result, CannotDraw) else None for page, result in made}


def _pictures(folder: Path) -> list[Picture]:
    rank = {kind: number for number, kind in enumerate(_REPORTED)}
    pages = {path.stem: (rank[kind], path.stem) for path in folder.glob("*.png") if (kind := _kind(path.stem))}
    names = sorted(pages, key=pages.__getitem__)
    return [_picture(folder / f"{name}.png") for name in names]


def _is_current(picture: Picture, study: StudyResults, pages: Mapping[str, CannotDraw | None]) -> bool:
    """Whether a picture shows the study's present trials, not those of an earlier run.

    A picture that was made without a list of its trials counts as current, unless its figure could be made again from
    records and was not.
    """
    made = trials_shown(picture.png)
    if made is None:
        return not (_kind(picture.name) in _FROM_RECORDS and pages.get(picture.name))
    return made == trials_on(picture.name, study)


def _picture(path: Path) -> Picture:
    """Read a picture; raise UserError if it is damaged."""
    try:
        picture = Picture(path.stem, path.read_bytes())
        _ = picture.source  # decoded here, where an error can name the file; kept for the page
    except Exception as error:  # Pillow raises errors of many kinds for damaged files
        reason = short_message(error.strerror if isinstance(error, OSError) and error.strerror else error)
        raise UserError(f"{path}: not a complete picture ({reason}); move it away; `figures` makes it again") from None
    return picture


def _kind(page: str) -> str | None:
    """Return the figure with whose name a page's name begins; None if it is not a figure of the report."""
    return next((kind for kind in _REPORTED if page == kind or page.startswith(f"{kind}_")), None)
