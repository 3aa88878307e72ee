"""The committed decision of the study `admission`, and its application to a study in another precision."""

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmark.admission.admission_rule import AdmissionState
from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.results.manifest import Manifest
from benchmark.training.training_settings import TrainingSettings, precision_note

RESULT = "results/reference/admission/admission.csv"
SEE = "docs/precision.md"
_FILE = Path(__file__).resolve().parents[2] / RESULT
_HOLDS_FOR = ("precision", "revision", "precision_revision", "device")


def holds_for(manifest: Manifest) -> dict[str, str]:
    """Return what a decision applies to, as columns of its file: precision, revisions and kind of device.

    Args:
        manifest: The manifest of trials that all have the same training settings.
    """
    basis = manifest.basis or {}
    training = basis.get("training", {})
    stated = {name: str(training.get(name, "")) for name in ("revision", "precision_revision")}
    return {"precision": manifest.precision} | stated | {"device": str(basis.get("device", ""))}


def admission_of(manifest: Manifest, metric: str) -> tuple[AdmissionState, str]:
    """Look up whether trials in a study's precision count as float32 trials for a metric, and why.

    Args:
        manifest: The manifest of a study in another precision than float32.
        metric: The metric.

    Raises:
        UserError: The file exists but cannot be read as a decision of `admission`.
    """
    row = _decisions(_FILE).get(metric)
    if row is None:
        return AdmissionState.NOT_DECIDED, f"it is not in {RESULT}"
    if other := [name.replace("_", " ") for name, value in holds_for(manifest).items() if row[name] != value]:
        return AdmissionState.NOT_DECIDED, f"{RESULT} is for another {' and '.join(other)}"
    return AdmissionState(row["state"]), row["reason"]


class PrecisionNotes(NamedTuple):
    """A study's notes for some metrics, with its precision judged.

    Attributes:
        reductions: Why the trials are not the paper's: the manifest's reductions, with the one on precision replaced by
            the decisions that do not admit it.
        admitted: The note beside the numbers of metrics for which the precision is admitted; empty in float32.
    """

    reductions: tuple[str, ...]
    admitted: tuple[str, ...]


def precision_notes(manifest: Manifest, metrics: Iterable[str]) -> PrecisionNotes:
    """Judge the precision of a study's trials for some metrics.

    Args:
        manifest: The study's manifest.
        metrics: The metrics to judge.

    Raises:
        UserError: See `admission_of`.
    """
    if manifest.precision == TrainingSettings.precision:
        return PrecisionNotes(manifest.reductions, ())
    labels: dict[tuple[AdmissionState, str], list[str]] = {}
    for metric in metrics:
        state, reason = admission_of(manifest, metric)
        # For admitted metrics the reason is that of the rule.
        place = (state, SEE) if state is AdmissionState.ADMITTED else (state, f"{reason}, {SEE}")
        labels.setdefault(place, []).append(METRICS[metric].label if metric in METRICS else metric)
    note = precision_note(manifest.precision)
    said = {(state, why): f"{note}: {state} for {', '.join(of)} ({why})" for (state, why), of in labels.items()}
    return PrecisionNotes(
        (
            *(one for one in manifest.reductions if one != note),
            *(one for (state, _), one in said.items() if state is not AdmissionState.ADMITTED),
        ),
        tuple(one for (state, _), one in said.items() if state is AdmissionState.ADMITTED),
    )


@cache
def _decisions(file: Path) -> dict[str, dict[str, str]]:
    """The rows of the file by metric; empty if there is no file."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(reader := csv.DictReader(lines))
        if not {"metric", "state", "reason", *_HOLDS_FOR} <= {*(reader.fieldnames or ())}:
            raise ValueError
        for row in rows:
            AdmissionState(row["state"])
        return {row["metric"]: row for row in rows}
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = error.strerror
    except (ValueError, csv.Error):
        reason = "is not a file written by `admission`"
    raise UserError(f"{RESULT}: {reason}; recreate it with `admission`, or move it away")
