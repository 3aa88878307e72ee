"""The summary that ends a command: at most 20 lines of 80 columns about a study; its files have all results."""

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmark.commands.judged_study import REPORT
from benchmark.commands.wording import quoted, shown
from benchmark.data.specs import DATASETS
from benchmark.evaluation.scores import WEIGHTS_UNAVAILABLE
from benchmark.installation import LAUNCHER
from benchmark.metrics import METRICS
from benchmark.paper.tables import SEEDS_OF_THE_PAPER
from benchmark.report.study_verdicts import StudyVerdicts
from benchmark.results.frame import METRIC_UNAVAILABLE
from benchmark.results.manifest import Manifest
from benchmark.results.study_results import StudyResults
from benchmark.studies.named_studies import WITHOUT_DATA
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.captions import study_facts
from benchmark.tables.layout import Table, TableCell, build_tables
from benchmark.text import minutes, one_line
from benchmark.verdict.cell_verdicts import Verdict
from benchmark.verdict.decided_counts import decided_counts
from benchmark.verdict.verdict_page import is_drawn, why_not_comparable

MOST_LINES = 20
WIDTH = 80
MOST_METHODS = 10
MOST_FAILURES = 2
MOST_STEPS = 2
# The most informative score of each protocol, in order of priority; the other scores are in the files.
_HEADLINES = ("svm_accuracy", "silhouette", "ssim", "lpips", "fid")
_HEADINGS = {"svm_accuracy": "Accuracy", "silhouette": "Silhouette"}
_GAP = "  "


def closing_lines(
    study: StudyResults,
    verdicts: StudyVerdicts | None,
    folder: Path,
    seconds: float | None = None,
    *,
    report: bool = True,
    audited: bool = False,
    method_files: Sequence[Path] = (),
) -> list[str]:
    """Summarise the results of a study.

    Args:
        study: The study.
        verdicts: Its verdicts on the paper; None if it has none.
        folder: Its results folder.
        seconds: Duration of the command to print; None prints the duration of the study's runs.
        report: Whether to name the report in the folder; one of before the command may show other trials.
        audited: As for `next_steps`, as is `method_files`.
        method_files: The method files that the command was given.

    Returns:
        At most MOST_LINES lines, none longer than WIDTH unless it has a path or a command, which are never cut.
    """
    before = [*_what_ran(study, seconds), *_shortfalls(study, folder)]
    after = [*_unmeasured(study), *decided(study.manifest, verdicts), *_absent(study.manifest), _where(folder, report)]
    room = MOST_LINES - len(before) - len(after)
    steps = [f"Next: {step}" for step in next_steps(study, folder, audited, method_files)]
    # A second step is shown only if no method's line is lost by it.
    table = headline_table(study, room - len(steps[:1]))
    if len(table) + len(steps[:MOST_STEPS]) > room:
        steps = steps[:1]
    return [*before, *table, *after, *steps[:MOST_STEPS]]


def fitted(start: str, items: Sequence[str], width: int = WIDTH) -> str:
    """Join as many items as fit into one line and count the rest; the first item is truncated if necessary.

    Args:
        start: Text before the items.
        items: At least one text, each on one line.
        width: Maximum length of the line.
    """
    for count in range(len(items), 0, -1):
        more = f"; {len(items) - count} more" if count < len(items) else ""
        line = start + "; ".join(items[:count])
        if len(line) + len(more) <= width:
            break
    return cut(line, width - len(more)) + more


def cut(line: str, width: int = WIDTH) -> str:
    """Truncate a line to a width, marking an omission with an ellipsis."""
    return line if len(line) <= width else line[: width - 1] + "…"


# What ran ----------------------------------------------------------------------------------------------------


def _what_ran(study: StudyResults, seconds: float | None) -> list[str]:
    manifest, runs = study.manifest, study.manifest.runs
    if seconds is None:
        seconds = sum(run.wall_seconds or 0 for run in runs) if runs else None
    took = "" if seconds is None else f": {minutes(seconds)}"
    device = f" on {runs[-1].device}" if runs and runs[-1].device else ""
    counts = study.summary
    no_data = f", {counts.no_data} without data" if counts.no_data else ""
    images = [
        f"{manifest.marked_label(name)} {data.n_train:,} + {data.n_test:,}" for name, data in manifest.data.items()
    ]
    return [
        cut(f"{study_facts(manifest)}{took}{device}"),
        f"{counts.ok} trials ok, {counts.diverged} diverged, {counts.failed} failed, {counts.not_run} not run{no_data}",
        *([fitted("Images (training + test): ", images)] if images else []),
    ]


def _shortfalls(study: StudyResults, folder: Path) -> list[str]:
    """Return lines about the first trials that did not end well, and where all reasons are listed."""
    bad = [record for one in (study, study.paired) if one is not None for record in one.own_records() if not record.ok]
    if not bad:
        return []
    named = [one_line(f"{one.identity}: {one.status}: {one.failure}") for one in bad[:MOST_FAILURES]]
    more = f"{len(bad) - MOST_FAILURES} more; " if len(bad) > MOST_FAILURES else ""
    return [
        *(line for text in named for line in _on_two_lines(text)),
        f"  {more}the reasons: {shown(folder)}/tables/tables.md",
    ]


def _on_two_lines(text: str) -> list[str]:
    """Wrap a trial's reason; in one line the names of trial and error leave no room for what a method does wrong."""
    return textwrap.wrap(
        text, WIDTH, initial_indent="  ", subsequent_indent="    ", max_lines=2, placeholder="…", break_on_hyphens=False
    )


# The table that matters most ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Headline:
    """The headline scores of a data set, each at the latent dimension at which most methods have the score.

    Attributes:
        dims: Metric -> latent dimension, in column order.
        cells: (metric, method) -> cell.
    """

    dataset: str
    dims: Mapping[str, int]
    cells: Mapping[tuple[str, str], TableCell]

    def answers(self) -> int:
        """Count the pairs of protocol and method that have a value."""
        found = {
            (protocol, method)
            for (metric, method), cell in self.cells.items()
            for protocol in {table.protocol for table in ALL_TABLES.values() if metric in table.metrics}
            if cell.values
        }
        return len(found)


def headline_table(study: StudyResults, lines: int) -> list[str]:
    """Make a table of headline scores, with a line per method, for the data set that has most of them.

    Ties go to the first data set in the order of the tables. Columns that do not fit are omitted.

    Args:
        study: The study.
        lines: Maximum number of lines.

    Returns:
        A heading, a line per method and a legend; empty if there is no value or too little space.
    """
    tables = build_tables(study)
    headline = max(_headlines(tables), key=_Headline.answers, default=None)  # the first of several maxima
    if headline is None or not headline.answers() or lines < 4:
        return []
    methods = _methods(tables, headline)
    shown_methods = methods[: min(MOST_METHODS, lines - 2)]
    left_out = f"; {len(shown_methods)} of {len(methods)} methods" if len(shown_methods) < len(methods) else ""
    columns = [
        [study.manifest.marked_label(headline.dataset), *map(study.manifest.method_label, shown_methods)],
        *(
            [
                _heading(metric, dim),
                *(_cell_text(headline.cells.get((metric, method)), metric) for method in shown_methods),
            ]
            for metric, dim in headline.dims.items()
        ),
    ]
    return [*_aligned(columns), cut(_legend(headline) + left_out)]


def _headlines(tables: Sequence[Table]) -> list[_Headline]:
    found: dict[str, dict[tuple[str, int], dict[str, TableCell]]] = {}
    for table in tables:
        for (dataset, metric, method, dim), cell in table.cells.items():
            cells = found.setdefault(dataset, {}).setdefault((metric, dim), {})
            # Two tables may share trials; the first one with a value counts.
            if method not in cells or not cells[method].values:
                cells[method] = cell
    return [_headline(dataset, of_dataset) for dataset, of_dataset in found.items()]


def _headline(dataset: str, found: Mapping[tuple[str, int], Mapping[str, TableCell]]) -> _Headline:
    values = {place: sum(bool(cell.values) for cell in cells.values()) for place, cells in found.items()}
    with_value = dict.fromkeys(metric for (metric, _), count in values.items() if count)
    dims: dict[str, int] = {}
    for metric in [metric for metric in _HEADLINES if metric in with_value] or with_value:
        places = [place for place in found if place[0] == metric]
        # Among latent dimensions with equally many methods, prefer one of an earlier column, else the first.
        dims[metric] = max(places, key=lambda place: (values[place], place[1] in dims.values()))[1]
    cells = {(metric, method): cell for metric, dim in dims.items() for method, cell in found[metric, dim].items()}
    return _Headline(dataset, dims, cells)


def _methods(tables: Sequence[Table], headline: _Headline) -> list[str]:
    """Return the methods with a headline score, ordered by the table with most methods, then the other tables."""
    longest_first = sorted(tables, key=lambda table: len(table.methods), reverse=True)
    order = dict.fromkeys(method for table in longest_first for method in table.methods)
    return [method for method in order if any((metric, method) in headline.cells for metric in headline.dims)]


def _heading(metric: str, latent_dim: int) -> str:
    better = "↑" if METRICS[metric].higher_is_better else "↓"
    return f"{_HEADINGS.get(metric, METRICS[metric].label)}{better} d={latent_dim}"


def _cell_text(cell: TableCell | None, metric: str) -> str:
    if cell is None:
        return "–"
    collapsed, partial = "†" if cell.collapsed else "", "*" if _is_partial(cell) else ""
    return cell.text(METRICS[metric].decimals) + collapsed + partial


def _is_partial(cell: TableCell) -> bool:
    return 0 < len(cell.values) < cell.asked


def _aligned(columns: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    while len(widths) > 2 and sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH:
        widths.pop()
    rows = zip(*columns[: len(widths)], strict=True)
    return [_GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _legend(headline: _Headline) -> str:
    cells = headline.cells.values()
    spread = " ± std" if any(cell.std is not None for cell in cells) else ""
    collapsed = "; †: a seed collapsed" if any(cell.collapsed for cell in cells) else ""
    partial = "; *: not all seeds" if any(map(_is_partial, cells)) else ""
    return f"Mean{spread} over seeds{collapsed}{partial}"


# Verdicts on the paper, and next steps -----------------------------------------------------------------------


def decided(manifest: Manifest, verdicts: StudyVerdicts | None) -> list[str]:
    """Summarise in at most two lines how much of the paper a study decides, and why not more.

    Args:
        manifest: The study's manifest.
        verdicts: Its verdicts on the paper; None if its images are procedural or not the paper's.
    """
    if verdicts is None:
        of_drawn = ["Drawn images: the numbers say nothing about the methods or the paper."]
        return of_drawn if is_drawn(manifest) else []
    of_numbers = verdicts.cells["verdict"].value_counts()
    counts = decided_counts(verdicts.cells, verdicts.claims)
    alone = " (for this study alone)" if counts.all_claims and (verdicts.claims["reduced"] != "").any() else ""
    found = (
        f"Decided: {counts.all_numbers} of the paper's {len(verdicts.cells)} numbers, {counts.all_claims} of its "
        f"{len(verdicts.claims)} claims{alone}"
    )
    why = []
    if void := int(of_numbers.get(Verdict.NOT_COMPARABLE, 0)):
        why.append(f"{void} not comparable ({', '.join(why_not_comparable(manifest, verdicts.cells))})")
    if not_run := int(of_numbers.get(Verdict.NOT_RUN, 0)):
        why.append(f"{not_run} not run")
    if undecided := int(of_numbers.get(Verdict.UNDECIDED, 0)):
        why.append(f"{undecided} within noise")
    if out_of_reach := int(of_numbers.get(Verdict.OUT_OF_REACH, 0)):
        why.append(f"{out_of_reach} out of reach")
    if manifest.seeds < SEEDS_OF_THE_PAPER:
        why.append(f"{manifest.seeds} of {SEEDS_OF_THE_PAPER} seeds")
    return [found, *([fitted("Why not more: ", why)] if why else [])]


def _unmeasured(study: StudyResults) -> list[str]:
    """Return a line about requested metrics without any value in spite of successful trials, with the reasons."""
    frame = study.frame
    without = frame[~frame["metric"].isin(frame.dropna(subset="value")["metric"])]
    found = without[without["status"].isin([WEIGHTS_UNAVAILABLE, METRIC_UNAVAILABLE])].drop_duplicates("metric")
    left_out = study.metrics_left_out()
    reasons = [
        f"{METRICS[row.metric].label} ({row.status})" for row in found.itertuples() if row.metric not in left_out
    ]
    return [fitted("Not measured: ", reasons)] if reasons else []


def _absent(manifest: Manifest) -> list[str]:
    if not manifest.unavailable:
        return []
    names = [manifest.dataset_label(name) for name in manifest.unavailable]
    remedy = f"   ({LAUNCHER} fetch)" if any(name in DATASETS for name in manifest.unavailable) else ""
    return [fitted("Images missing: ", names, WIDTH - len(remedy)) + remedy]


def _where(folder: Path, report: bool) -> str:
    if report and (folder / REPORT).is_file():
        return f"Report: {shown(folder)}/{REPORT}"
    return f"Tables: {shown(folder)}/tables/tables.md"


def next_steps(
    study: StudyResults, folder: Path, audited: bool = False, method_files: Sequence[Path] = ()
) -> list[str]:
    """List commands that make sense next for a study, with the effect of each, the most useful first.

    Args:
        study: The study.
        folder: Its results folder.
        audited: Whether an audit has just been made, or found impossible.
        method_files: The method files that the command was given; none stands for those of the study's last run.
    """
    manifest, counts = study.manifest, study.summary
    steps = []
    if counts.not_run or counts.failed:
        left = counts.not_run + counts.failed
        continues = f"continues with the {left} trials left" if left > 1 else "continues with the trial left"
        # The folder may also have cells of earlier runs, which the last run's selection leaves out.
        selected = "--only" in _options_of_last_run(manifest)
        run = "a `run` whose --only has their cells" if selected else "the same `run` again"
        steps.append(f"{run} {continues}")
    if study.paired:
        precision = study.paired.manifest.precision
        steps.append(f"{LAUNCHER} admission {quoted(folder)}   decides on {precision} metric by metric")
    if manifest.study == WITHOUT_DATA:
        steps.append(f"{LAUNCHER} fetch   brings the data sets for a larger study")
    left_out = study.metrics_left_out()
    checkpoints = any(folder.glob("checkpoints/*"))  # from which metrics are added and protocols audited
    if left_out and checkpoints:
        run = f"{LAUNCHER} run --study {manifest.study}" if _was_plain(manifest) else "the same `run` with"
        command = f"{run} --metrics {','.join(left_out)}"
        labels = ", ".join(METRICS[name].label for name in left_out)
        steps.append(f"{command}   adds {labels}")
    if counts.ok and not audited and checkpoints:
        files = method_files or [Path(file) for file in files_of_last_run(manifest) if file]
        given = "".join(f" --method-file {quoted(file)}" for file in files)
        steps.append(f"{LAUNCHER} judge {quoted(folder)}{given}   audits what the paper leaves open")
    return steps


def _last_command(manifest: Manifest) -> list[str]:
    """Return the words of the last run's command; none if it is not known."""
    try:
        return shlex.split(manifest.runs[-1].command or "") if manifest.runs else []
    except ValueError:  # a quotation that does not end, in a manifest that was edited
        return []


def files_of_last_run(manifest: Manifest) -> list[str]:
    """Return the method files of a study's last run, as its user named them."""
    words = _last_command(manifest)
    given = [(*word.partition("="), after) for word, after in pairwise([*words, ""])]
    return [value if equals else after for name, equals, value, after in given if name == "--method-file"]


def _options_of_last_run(manifest: Manifest) -> set[str]:
    return {word.partition("=")[0] for word in _last_command(manifest) if word.startswith("-")}


def _was_plain(manifest: Manifest) -> bool:
    """Return whether the last run gave only a study and metrics, so that its name suffices to continue it."""
    return bool(manifest.runs) and _options_of_last_run(manifest) <= {"--study", "--metrics"}
