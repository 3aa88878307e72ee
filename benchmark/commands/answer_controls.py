"""`controls`: find the causes of HGMVAE's gain from the results of the study `controls`."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.declared_options import argument, flag, option
from benchmark.commands.folders import RUNS, check_folders, check_out
from benchmark.commands.option_types import given, path
from benchmark.commands.options import DEVICE, FetchedData
from benchmark.commands.trace_readings import TRACED, trace_readings
from benchmark.commands.wording import print_written
from benchmark.controls.answers import ENDED, Answer, answers, answers_frame, means_frame, measured
from benchmark.controls.best_of_each import best_of_each, render_best_of_each
from benchmark.controls.controls_page import measures_run, render_answers
from benchmark.controls.rates_figure import rate_pages, rates_figure
from benchmark.errors import UserError
from benchmark.files import write_texts
from benchmark.plotting.figure_files import write_page
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.studies.named_studies import CHOICE, STUDIES, Study
from benchmark.tables.terminal import print_markdown

_STUDIES = f"controls, laptop-controls, readings, best-case, laptop-best-case or {CHOICE}"


@dataclass(frozen=True, kw_only=True)
class ControlsOptions(FetchedData):
    """The options of `controls`."""

    out: Path | None = argument(nargs="?", type=path, help=f"results folder of the study {_STUDIES}")
    trace: bool = flag(
        help="train the study `readings` again and record F and the loss per step and SVM accuracy per epoch in "
        f"OUT/trace (OUT by default: results/runs/{TRACED})"
    )
    device: str | None = option(type=given, help=f"with --trace: {DEVICE}")


def controls(options: ControlsOptions, console: Console) -> int:
    """Answer the questions of the controls from a results folder, or with --trace record how the readings train.

    Returns:
        The exit status, 0.

    Raises:
        UserError: No folder is given, the folder lacks two methods to compare or any result, or `trace_readings` raises
            it.
    """
    if options.trace:
        check_folders(options.data_dir, options.weights_dir)
        folder = (options.out or RUNS / TRACED) / "trace"
        check_out("controls --trace", folder)
        trace_readings(folder, options.data_dir, options.offline, chosen_device(options.device), console)
    elif options.out:
        _answer(options.out, console)
    else:
        raise UserError(f"controls: name a results folder of the study {_STUDIES}")
    return 0


def _answer(out: Path, console: Console) -> None:
    """Print and write the answers, with a figure per measure if VAEs are compared at the same rate."""
    store = Store(out, console.print, look_only=True)
    study = store.read_study()
    if study.manifest.study == CHOICE:
        _choose(out, study, console)
        return
    trials = measured(study)
    known = STUDIES.get(study.manifest.study)
    found = answers(trials, known.questions if known else Study.questions)
    if all(one.answer is Answer.NOT_RUN for one in found):
        raise UserError(f"{out}: has no two methods that the controls compare; run --study controls first")
    if all(trial in (None, ENDED) for trial in trials.values()):
        raise UserError(f"{out}: no trial has a result; `status` and `tables` give the reasons")
    means = means_frame(trials, measures_run(found))
    text = render_answers(study, found, means)
    folder = out / "controls"
    texts = {"controls.md": text, "answers.csv": csv_text(answers_frame(found)), "means.csv": csv_text(means)}
    files = write_texts(folder, texts)
    same_rate = any(one.contrast.same_rate for one in found)
    for name, page in rate_pages(study.manifest, trials) if same_rate else ():
        files += write_page(rates_figure, page, folder, name)
    print_markdown(console, text, end="")
    print_written(files, console)


def _choose(out: Path, study: StudyResults, console: Console) -> None:
    """Print and write the chosen candidates."""
    found = best_of_each(study)
    text = render_best_of_each(found)
    files = write_texts(out / "controls", {"choice.md": text, "choice.csv": csv_text(found)})
    print_markdown(console, text, end="")
    print_written(files, console)
