"""`studies`: list the studies."""

from dataclasses import dataclass

from rich.console import Console

from benchmark.studies.named_studies import STUDIES


@dataclass(frozen=True, kw_only=True)
class StudiesOptions:
    """The options of `studies`, which has none."""


def studies(options: StudiesOptions, console: Console) -> int:
    """List the studies with their numbers of trials and their differences from the paper's setting.

    Returns:
        The exit status, 0.
    """
    for study in STUDIES.values():
        console.print(f"{study.name}: {study.purpose}; {study.n_trials:,} trials")
        for note in (*study.notes(), f"weight set {study.weight_set}"):
            console.print(f"    {note}")
    return 0
