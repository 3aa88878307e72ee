"""What figures are made from: a results folder's trials and images, and what every figure says on its face."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.execution.stored_models import Images
from benchmark.plotting.style import LOOKS, literal
from benchmark.results.frame import OK, check_record, seeds_asked
from benchmark.results.manifest import trial_keys
from benchmark.results.store import Store
from benchmark.studies.grid import cut_manifest
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.captions import MARK_MEANINGS, seed_count
from benchmark.text import one_line


class CannotDraw(Exception):
    """Why a page is not made, in one line; the other pages are."""


@dataclass(frozen=True)
class Seed:
    """One trial of a kind: its seed, key and record (None where it has not run)."""

    number: int
    key: str | None
    record: Mapping[str, Any] | None

    @property
    def fault(self) -> str | None:
        """Why it has no result: 'not run', or its status; None where it has one."""
        if self.record is None:
            return "not run"
        return None if self.record["status"] == OK else self.record["status"]


@dataclass(frozen=True)
class Kind:
    """The trials that differ in nothing but the seed, by ascending seed."""

    dataset: str
    method: str
    latent_dim: int
    seeds: tuple[Seed, ...]


@dataclass(frozen=True)
class Source:
    """A study's manifest (its cells cut to what was asked for) and records, its checkpoints and its images.

    `images`: gives the data set as a trial saw it, or raises NotAtHand. `device`: where models run.
    """

    manifest: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]
    checkpoint: Callable[[str], Path]
    images: Images
    device: str = "cpu"


def read_source(folder: Path, only: str | None, images: Images, device: str, report: Callable[[str], None]) -> Source:
    """A results folder as a source; `only`: AXIS=VALUE,... as in `run`.

    Raises UserError for a folder without a manifest, a record that does not fit, or where nothing is left.
    """
    store = Store(folder, report, look_only=True)
    manifest = store.read_manifest()
    if manifest is None:
        raise UserError(f"{folder}: no manifest.json; give a results folder that `run` has made")
    chosen = cut_manifest(manifest, only)
    return Source(chosen, store.read_records(trial_keys(chosen)), store.checkpoint_path, images, device)


def kinds(source: Source, protocol: str | None = None) -> list[Kind]:
    """The kinds of trial of the manifest, each once, in the order of its cells' data sets and dims, then of LOOKS.

    With a `protocol`, those of the tables that it scores; all where no table of the manifest is.
    Raises UserError for a record that is not its cell's.
    """
    cells = source.manifest["cells"]
    chosen = [cell for cell in cells if ALL_TABLES[cell["table"]].protocol == protocol] or cells
    found: dict[tuple[str, str, int], Kind] = {}
    for cell in chosen:
        place = cell["dataset"], cell["method"], cell["latent_dim"]
        if place not in found:
            found[place] = Kind(*place, tuple(_seeds(source, cell)))
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
    return literal(source.manifest.get("method_labels", {}).get(method, method))


def face(manifest: Mapping[str, Any], *datasets: str) -> list[str]:
    """What a figure of data sets must say: study, seeds, weights; what is reduced; what the sets' marks mean."""
    sentences = [f"Study {manifest['study']}, {seed_count(manifest['seeds'])}, weight set {manifest['weight_set']}."]
    if manifest["notes"]:
        reduced = "; ".join(one_line(note) for note in manifest["notes"])
        sentences[0] += f" Reduced against the paper: {reduced}."
    marks = dict.fromkeys(mark for dataset in datasets for mark in manifest["marks"].get(dataset, ()))
    return sentences + [f"[{mark}]: {MARK_MEANINGS.get(mark, mark)}." for mark in marks]


def no_result(source: Source, dataset: str, what: str) -> CannotDraw:
    """Why there is nothing to draw of a data set: it could not be had, or nothing has run."""
    reason = source.manifest["unavailable"].get(dataset)
    return CannotDraw(one_line(reason) if reason else f"no trial of {what} has a result yet")


def left_out(source: Source, found: Iterable[Kind]) -> list[str]:
    """One sentence on the seeds without a result, by kind and reason; none where all have one."""
    parts = []
    for kind in found:
        faults: dict[str, list[int]] = {}
        for seed in kind.seeds:
            if seed.fault:
                faults.setdefault(seed.fault, []).append(seed.number)
        parts += [
            f"{method_label(source, kind.method)} d = {kind.latent_dim} {seed_list(numbers)} ({fault})"
            for fault, numbers in faults.items()
        ]
    return [f"Left out: {'; '.join(parts)}."] if parts else []


def seed_list(numbers: list[int]) -> str:
    """'seed 3', or 'seeds 0, 2'."""
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _seeds(source: Source, cell: Mapping[str, Any]) -> Iterator[Seed]:
    for number in seeds_asked(source.manifest, cell):
        key = cell["keys"].get(str(number))
        record = source.records.get(key)
        if record is not None:
            check_record(key, record, cell, number)
        yield Seed(number, key, record)
