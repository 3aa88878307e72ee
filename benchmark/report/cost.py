"""The cost of training as measured in paired turns; trials that ran beside others do not provide comparable times.

Source: methods.csv of `throughput --methods` (`benchmark.throughput.method_times`).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.installation import LAUNCHER
from benchmark.results.study_results import StudyResults
from benchmark.results.training_costs import COMPARED
from benchmark.studies.named_studies import STUDIES
from benchmark.tables.layout import ABSENT
from benchmark.text import number
from benchmark.throughput.throughput_files import read_method_times

COST_COLUMNS = ["data set", "d", "method", "parameters", "times a VAE’s step", "quartiles", "paired turns"]
_OF_A_STEP = ("width", "batch_size")  # training settings that change the duration of a step
PairedTimes = tuple[pd.DataFrame, dict[str, Any]]


def paired_times(study: StudyResults, folders: Iterable[Path]) -> PairedTimes | None:
    """Find a measurement of steps of the study's size on its device, in the first folder that has one.

    Args:
        study: The study.
        folders: Output folders of `throughput --methods`.

    Returns:
        The result of `read_method_times`; None if no folder has it, or if the trials are not those of the study's name.
    """
    records, named = study.own_records(), STUDIES.get(study.manifest.study)
    if named is None:
        return None
    own = {name: getattr(named.training, name) for name in _OF_A_STEP}
    if any(record.identity.training.get(name, own[name]) != own[name] for record in records for name in own):
        return None
    devices = {record.provenance.device for record in records}
    for found in filter(None, map(read_method_times, folders)):
        if found[1]["study"] == named.name and found[1]["device"] in devices:
            return found
    return None


def cost_frame(study: StudyResults, times: PairedTimes | None) -> pd.DataFrame:
    """Tabulate the cost of training: a row per data set, latent dim and method whose record has its parameters.

    Returns:
        Columns are COST_COLUMNS, rows in the order of the records. Steps are relative to a VAE's of the same turn:
        median and quartiles over turns; ABSENT if they were not measured.
    """
    measured = {} if times is None else {(r.dataset, r.latent_dim, r.method): r for r in times[0].itertuples()}
    rows = {}
    for record in study.own_records():
        trial, parameters = record.identity, record.parameters
        place = trial.dataset, trial.latent_dim, trial.method
        if parameters is None:
            continue
        of = measured.get(place)
        rows[place] = (
            study.manifest.dataset_label(trial.dataset),
            trial.latent_dim,
            study.manifest.method_label(trial.method),
            parameters,
            number(of.times_vae, 2) if of else ABSENT,
            f"{number(of.low, 2)} to {number(of.high, 2)}" if of else ABSENT,
            of.turns if of else ABSENT,
        )
    return pd.DataFrame(rows.values(), columns=COST_COLUMNS)


def cost_sentences(study: StudyResults, times: PairedTimes | None) -> list[str]:
    """Describe what was measured, or which command measures it.

    Args:
        study: The study.
        times: The result of `paired_times`.
    """
    if times is None:
        not_measured = "Not measured at this study’s size and on its device, so the table has the models’ sizes alone."
        if (study.manifest.basis or {}).get("method_sources"):
            return [not_measured]  # `throughput` takes no method from a file
        command = f"{LAUNCHER} throughput --methods --study {study.manifest.study}"
        return [
            f"{not_measured} {command} times a step of every method in turn with a VAE’s there; "
            "report then shows the costs here."
        ]
    frame, made = times
    ranges = [
        f"{study.manifest.method_label(str(method))} {number(part.min(), 2)} to {number(part.max(), 2)} times"
        for method, part in frame.groupby("method", sort=False)["times_vae"]
        if method in COMPARED
    ]
    return [
        *([f"A training step takes as long as a VAE’s: {', '.join(ranges)}."] if ranges else []),
        f"Measured on {made['device']}, {made['date'][:10]}, by {made['command']}: every method in turn with a VAE, so "
        "that other load on the machine slows both; the median over turns. Seconds of the study’s own trials, which "
        f"ran beside each other, are not shown. {ABSENT}: not measured in turn with a VAE.",
    ]
