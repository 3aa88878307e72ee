"""`admission`: decide from a study's pairs for which metrics trials in another precision count as the paper's."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.admission.admission_page import admission_frame, render_admission
from benchmark.admission.admission_rule import decide
from benchmark.admission.paired_differences import paired_differences
from benchmark.commands.declared_options import argument
from benchmark.commands.option_types import path
from benchmark.commands.wording import print_written
from benchmark.errors import UserError
from benchmark.files import write_texts
from benchmark.results.csv_text import csv_text
from benchmark.results.store import Store
from benchmark.tables.terminal import print_markdown
from benchmark.verdict.cell_verdicts import PRINTED_TOLERANCES


@dataclass(frozen=True, kw_only=True)
class AdmissionOptions:
    """The options of `admission`."""

    out: Path = argument(type=path, help="results folder of the study `admission`, complete or not")


def admission(options: AdmissionOptions, console: Console) -> int:
    """Print the decision on every metric, and write it to OUT with the differences of the pairs.

    Returns:
        The exit status, always 0.

    Raises:
        UserError: The folder has no study with pairs, or is not readable or writable.
    """
    store = Store(options.out, console.print, look_only=True)
    study = store.read_study()
    if study.paired is None:
        raise UserError(
            f"{options.out}: study {study.manifest.study} has no pairs of trials; run --study admission first"
        )
    pairs = paired_differences(study, PRINTED_TOLERANCES)
    found = decide(pairs)
    text = render_admission(study, pairs, found)
    texts = {
        "admission.md": text,
        "admission.csv": csv_text(admission_frame(study, found)),
        "pairs.csv": csv_text(pairs),
    }
    files = write_texts(store.folder, texts)
    print_markdown(console, text, end="")
    print_written(files, console)
    return 0
