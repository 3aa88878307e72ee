"""The source of figures, a results folder's trials and images, and the sentences common to all captions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.execution.stored_models import Images
from benchmark.methods.registry import METHODS
from benchmark.plotting.style import literal
from benchmark.results.frame import NOT_RUN, RequestedTrial, trials_of
from benchmark.results.manifest import Manifest
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.studies.grid import cut_manifest
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.captions import MARK_MEANINGS, reduced, study_facts
from benchmark.text import one_line


class CannotDraw(Exception):
    """A page cannot be made; the message is the reason in one line, and the other pages are still made."""


@dataclass(frozen=True)
class TrialKind:
    """Trials that differ only in the seed.

    Attributes:
        seeds: The trials, by ascending seed.
    """

    dataset: str
    method: str
    latent_dim: int
    seeds: tuple[RequestedTrial, ...]

    @property
    def results(self) -> list[Record]:
        """The records of the trials that ended with a result."""
        return [seed.record for seed in self.seeds if seed.record is not None and seed.record.ok]


@dataclass(frozen=True)
class StudySource:
    """A study with its checkpoints and images.

    Attributes:
        study: The study, restricted to the requested cells.
        checkpoint: Returns the path of a trial's trained model, given the trial's key.
        images: Returns the data set that a trial was trained on, or raises NotAvailable.
        device: The torch device of the models.
    """

    study: StudyResults
    checkpoint: Callable[[str], Path]
    images: Images
    device: str = "cpu"


def read_source(
    folder: Path, only: str | None, images: Images, device: str, report: Callable[[str], None]
) -> StudySource:
    """Read a results folder as the source of figures.

    Args:
        folder: The results folder.
        only: Which cells to keep, as AXIS=VALUE,... like the option of `run`; None: all.
        images: Returns the data set of a trial.
        device: The torch device of the models.
        report: Called with a line on each record that cannot be used.

    Raises:
        UserError: The folder has no manifest, a file cannot be read, `only` is invalid, or no cell is left.
    """
    store = Store(folder, report, look_only=True)
    chosen = cut_manifest(store.study_manifest(), only)
    study = StudyResults(chosen, store.read_records(chosen.trial_keys()))
    return StudySource(study, store.checkpoint_path, images, device)


def kinds(source: StudySource, protocol: str | None = None) -> list[TrialKind]:
    """List the kinds of trial in the manifest, each once.

    They are ordered by the cells' data sets, then by latent dim, then by the registry of methods.

    Args:
        source: The source.
        protocol: List only those of tables that this protocol scores, unless the manifest has no such table.

    Raises:
        UserError: A record's trial is not the one of its cell.
    """
    cells = source.study.manifest.cells
    chosen = [cell for cell in cells if ALL_TABLES[cell.table].protocol == protocol] or cells
    found: dict[tuple[str, str, int], TrialKind] = {}
    for cell in chosen:
        if cell.kind not in found:
            found[cell.kind] = TrialKind(
                *cell.kind, tuple(trials_of(cell, source.study.manifest, source.study.records))
            )
    order, datasets = list(METHODS), list(dict.fromkeys(dataset for dataset, _, _ in found))

    def rank(kind: TrialKind) -> tuple[int, int, int]:
        place = order.index(kind.method) if kind.method in order else len(order)
        return datasets.index(kind.dataset), kind.latent_dim, place

    return sorted(found.values(), key=rank)


def by_page(found: Iterable[TrialKind]) -> dict[tuple[str, int], list[TrialKind]]:
    """Group kinds of trial by data set and latent dim, which share a page."""
    pages: dict[tuple[str, int], list[TrialKind]] = {}
    for kind in found:
        pages.setdefault((kind.dataset, kind.latent_dim), []).append(kind)
    return pages


def method_label(source: StudySource, method: str) -> str:
    """Return the method's label in figures."""
    return literal(source.study.manifest.method_label(method))


def study_caption(manifest: Manifest, *datasets: str) -> list[str]:
    """Return the sentences common to all captions: study, seeds and weights; reductions; the meaning of marks.

    Args:
        manifest: The study's manifest.
        datasets: The data sets in the figure.
    """
    sentences = [" ".join([f"{study_facts(manifest)}.", *reduced(manifest)])]
    marks = dict.fromkeys(mark for dataset in datasets for mark in manifest.marks.get(dataset, ()))
    return sentences + [f"[{mark}]: {MARK_MEANINGS.get(mark, mark)}." for mark in marks]


def no_result(source: StudySource, dataset: str, what: str) -> CannotDraw:
    """Return why a data set has nothing to draw: it was unavailable, or no trial has a result.

    Args:
        source: The source.
        dataset: The data set.
        what: The missing kind of result, in words.
    """
    reason = source.study.manifest.unavailable.get(dataset)
    return CannotDraw(one_line(reason) if reason else f"no trial of {what} has a result yet")


def left_out(source: StudySource, found: Iterable[TrialKind]) -> list[str]:
    """Return one sentence on the seeds without a result, by kind and reason; empty if all have one."""
    parts = []
    for kind in found:
        faults: dict[str, list[int]] = {}
        for seed in kind.seeds:
            if fault := fault_of(seed):
                faults.setdefault(fault, []).append(seed.seed)
        parts += [
            f"{method_label(source, kind.method)} d = {kind.latent_dim} {seed_list(numbers)} ({fault})"
            for fault, numbers in faults.items()
        ]
    return [f"Left out: {'; '.join(parts)}."] if parts else []


def fault_of(trial: RequestedTrial) -> str | None:
    """Return why a trial has no result ('not run' or its status); None if it has one."""
    if trial.record is None:
        return NOT_RUN
    return None if trial.record.ok else trial.record.status


def seed_list(numbers: list[int]) -> str:
    """Return seeds as text: 'seed 3', or 'seeds 0, 2'."""
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
