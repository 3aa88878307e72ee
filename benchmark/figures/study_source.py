"""What figures are made from: a results folder's trials and images, and what every figure says on its face."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.execution.stored_models import Images
from benchmark.plotting.style import LOOKS, literal
from benchmark.results.frame import NOT_RUN, AskedTrial
from benchmark.results.manifest import Manifest
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.results.study_results import StudyResults
from benchmark.studies.grid import cut_manifest
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.captions import MARK_MEANINGS, reduced, study_facts
from benchmark.text import one_line


class CannotDraw(Exception):
    """Why a page is not made, in one line; the other pages are."""


@dataclass(frozen=True)
class Kind:
    """The trials that differ in nothing but the seed, by ascending seed."""

    dataset: str
    method: str
    latent_dim: int
    seeds: tuple[AskedTrial, ...]

    @property
    def results(self) -> list[Record]:
        """The records of the seeds that ended well."""
        return [seed.record for seed in self.seeds if seed.record is not None and seed.record.ok]


@dataclass(frozen=True)
class Source:
    """A study (its cells cut to what was asked for), its checkpoints and its images.

    `images`: gives the data set as a trial saw it, or raises NotAtHand. `device`: where models run.
    """

    study: StudyResults
    checkpoint: Callable[[str], Path]
    images: Images
    device: str = "cpu"


def read_source(folder: Path, only: str | None, images: Images, device: str, report: Callable[[str], None]) -> Source:
    """A results folder as a source; `only`: AXIS=VALUE,... as in `run`.

    Raises UserError for a folder without a manifest, a record that does not fit, or where nothing is left.
    """
    store = Store(folder, report, look_only=True)
    chosen = cut_manifest(store.study_manifest(), only)
    study = StudyResults(chosen, store.read_records(chosen.trial_keys()))
    return Source(study, store.checkpoint_path, images, device)


def kinds(source: Source, protocol: str | None = None) -> list[Kind]:
    """The kinds of trial of the manifest, each once, in the order of its cells' data sets and dims, then of LOOKS.

    With a `protocol`, those of the tables that it scores; all where no table of the manifest is.
    Raises UserError for a record that is not its cell's.
    """
    cells = source.study.manifest.cells
    chosen = [cell for cell in cells if ALL_TABLES[cell.table].protocol == protocol] or cells
    found: dict[tuple[str, str, int], Kind] = {}
    for cell in chosen:
        if cell.kind not in found:
            found[cell.kind] = Kind(*cell.kind, tuple(source.study.trials_of(cell)))
    order, datasets = list(LOOKS), list(dict.fromkeys(dataset for dataset, _, _ in found))

    def rank(kind: Kind) -> tuple[int, int, int]:
        place = order.index(kind.method) if kind.method in order else len(order)
        return datasets.index(kind.dataset), kind.latent_dim, place

    return sorted(found.values(), key=rank)


def by_page(found: Iterable[Kind]) -> dict[tuple[str, int], list[Kind]]:
    """The kinds by data set and latent dim: what one page compares."""
    pages: dict[tuple[str, int], list[Kind]] = {}
    for kind in found:
        pages.setdefault((kind.dataset, kind.latent_dim), []).append(kind)
    return pages


def method_label(source: Source, method: str) -> str:
    return literal(source.study.manifest.method_label(method))


def face(manifest: Manifest, *datasets: str) -> list[str]:
    """What a figure of data sets must say: study, seeds, weights; what is reduced; what the sets' marks mean."""
    sentences = [" ".join([f"{study_facts(manifest)}.", *reduced(manifest)])]
    marks = dict.fromkeys(mark for dataset in datasets for mark in manifest.marks.get(dataset, ()))
    return sentences + [f"[{mark}]: {MARK_MEANINGS.get(mark, mark)}." for mark in marks]


def no_result(source: Source, dataset: str, what: str) -> CannotDraw:
    """Why there is nothing to draw of a data set: it could not be had, or nothing has run."""
    reason = source.study.manifest.unavailable.get(dataset)
    return CannotDraw(one_line(reason) if reason else f"no trial of {what} has a result yet")


def left_out(source: Source, found: Iterable[Kind]) -> list[str]:
    """One sentence on the seeds without a result, by kind and reason; none where all have one."""
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


def fault_of(trial: AskedTrial) -> str | None:
    """Why a trial has no result: 'not run', or its status; None where it has one."""
    if trial.record is None:
        return NOT_RUN
    return None if trial.record.ok else trial.record.status


def seed_list(numbers: list[int]) -> str:
    """'seed 3', or 'seeds 0, 2'."""
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
