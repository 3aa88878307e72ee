"""From a study and the data at hand to its trials, and to the manifest that tables are made from."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.data import DATASETS, Dataset, RegisteredSpec, limit, load_dataset
from benchmark.data.class_checks import one_sided_classes
from benchmark.data.validation_split import VALIDATION_IMAGES, hold_out_validation
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import METHODS
from benchmark.names import asked_name, may_mean, resolved
from benchmark.paper.tables import DATASET_LABELS
from benchmark.results.manifest import SCHEMA, Manifest, ManifestCell
from benchmark.studies.named_studies import GridCell, Study
from benchmark.studies.trials import Trial, TrialData


@dataclass(frozen=True)
class Selection:
    """What `--only` keeps: each axis is a set of allowed values, an absent axis allows all."""

    axes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None, datasets: Collection[str] = ()) -> "Selection":
        """From "method=vae,method=gmvae,dataset=mnist"; values of one axis add up. Raises UserError.

        `datasets`: names that are meant as they stand, such as those of a user's own sets and of a manifest.
        """
        axes: dict[str, set[str]] = {}
        for item in (text or "").split(","):
            if not item.strip():
                continue
            axis, equals, value = (part.strip() for part in item.partition("="))
            axis = resolved("column", axis)
            if axis not in ("table", "dataset", "method", "latent_dim") or not equals or not value:
                raise UserError(
                    f"--only {item!r}: write AXIS=VALUE with table, dataset, method or latent_dim as the axis"
                )
            if axis == "method":
                value = asked_name("method", value, ALL_METHODS, f"--only method={value}: no such method;")
            elif axis == "dataset" and value not in datasets:
                value = resolved("dataset", value)
            axes.setdefault(axis, set()).add(value)
        return cls({axis: frozenset(values) for axis, values in axes.items()})

    def keeps(self, cell: GridCell | ManifestCell) -> bool:
        return all(str(getattr(cell, axis)) in values for axis, values in self.axes.items())

    def cells_of(self, study: Study) -> list[GridCell]:
        """The cells that are kept. UserError for a value that none of the study has, naming it and those there are."""
        for axis, values in self.axes.items():
            known = list(dict.fromkeys(str(getattr(cell, axis)) for cell in study.cells()))
            if unknown := sorted(values - set(known)):
                raise UserError(f"--only {axis}={unknown[0]}: study {study.name} has only {', '.join(known)}")
        return [cell for cell in study.cells() if self.keeps(cell)]

    def joined(self, study: Study) -> Study:
        """The study with every data set and method asked for by name that none of its tables has, in all of them."""
        known = list(study.cells())
        datasets = tuple(sorted(self.axes.get("dataset", frozenset()) - {cell.dataset for cell in known}))
        methods = tuple(sorted(self.axes.get("method", frozenset()) - {cell.method for cell in known}))
        tables = tuple(
            dataclasses.replace(table, datasets=table.datasets + datasets, methods=table.methods + methods)
            for table in study.tables
        )
        return dataclasses.replace(study, tables=tables)


def cut_manifest(manifest: Manifest, only: str | None) -> Manifest:
    """The manifest with the cells that `--only` keeps, its own names of data sets as they stand. UserError for none."""
    selection = Selection.parse(only, {cell.dataset for cell in manifest.cells})
    cells = [cell for cell in manifest.cells if selection.keeps(cell)]
    if not cells:
        raise UserError(f"--only: no cell of study {manifest.study} is left; its manifest.json lists them")
    return manifest.with_cells(cells)


@dataclass(frozen=True)
class Grid:
    """A study against the data at hand: its cells with their trials, and what could not be had."""

    study: Study
    weight_set: str
    device: str
    cells: dict[GridCell, dict[int, Trial]]  # seed -> trial; empty where the data set is not available
    datasets: dict[str, Dataset]
    unavailable: dict[str, str]

    def trials(self) -> list[Trial]:
        """Every trial once, in the order of the tables."""
        unique = {trial.key: trial for trials in self.cells.values() for trial in trials.values()}
        return list(unique.values())

    def expected_trials(self) -> list[Trial]:
        """The trials of registered data sets that could not be had, as they would be; their keys mean nothing yet."""
        cells = (cell for cell in self.cells if cell.dataset in self.unavailable and cell.dataset in DATASETS)
        return expected_trials(self.study, cells, self.weight_set, self.device)

    def manifest(self) -> Manifest:
        """What, with the records, the tables are made from."""
        names = list(dict.fromkeys(cell.dataset for cell in self.cells))
        methods = METHODS | {cell.method: ALL_METHODS[cell.method] for cell in self.cells}
        sources = {name: method.source for name, method in methods.items() if method.source}
        plain = {
            "schema": SCHEMA,
            "study": self.study.name,
            "basis": {
                "device": self.device.partition(":")[0],
                "training": self.study.training.plain(),
                "methods": {name: method.revision for name, method in methods.items()},
                "protocols": {name: protocol.REVISION for name, protocol in PROTOCOLS.items()},
            }
            | ({"method_sources": sources} if sources else {}),
            "seeds": self.study.seeds,
            "weight_set": self.weight_set,
            "notes": self.study.notes(),
            "marks": {name: data_marks(self.datasets[name]) for name in names if name in self.datasets},
            "unavailable": {name: self.unavailable[name] for name in names if name in self.unavailable},
            "method_labels": {name: method.label for name, method in methods.items()},
            "dataset_labels": {name: DATASET_LABELS.get(name, name) for name in names},
            "data": {
                name: {"source": data.source, "digest": data.digest, "n_train": data.n_train, "n_test": data.n_test}
                for name, data in self.datasets.items()
                if name in names
            },
            "runs": [],
            "cells": [
                cell._asdict() | {"keys": {str(seed): trial.key for seed, trial in trials.items()}}
                for cell, trials in self.cells.items()
            ],
        }
        return Manifest.parse(plain)


def data_marks(dataset: Dataset) -> list[str]:
    """What a reader must know of a data set wherever its numbers stand."""
    registered = dataset.kind == "real" and dataset.name in DATASETS
    marks = {
        "procedural": dataset.kind == "procedural",
        "subset": dataset.subset,
        "unverified": registered and not dataset.verified,
    }
    return [mark for mark, holds in marks.items() if holds]


@dataclass(frozen=True)
class DataOptions:
    """How a study's images are found and cut; plain, so that a worker process can do the same."""

    data_dir: Path
    offline: bool
    procedural: bool
    split: str
    n_train: int | None
    n_test: int | None

    @classmethod
    def of(cls, study: Study, data_dir: Path, offline: bool) -> "DataOptions":
        return cls(data_dir, offline, study.procedural, study.split, study.n_train, study.n_test)

    def load(self, name: str, report: Callable[[str], None] = lambda line: None) -> Dataset:
        """The data set as the study's trials see it. Raises DataUnavailable or UserError."""
        dataset = load_dataset(name, self.data_dir, offline=self.offline, procedural=self.procedural, report=report)
        if self.split == "validation":
            whole, dataset = dataset, hold_out_validation(dataset)
            if dataset.digest != whole.digest:
                report(f"{name}: its classes are not spread over the training images, so {dataset.split}")
        dataset = limit(dataset, self.n_train, self.n_test)
        if said := one_sided_classes(dataset):
            report(said)
        return dataset


def build_grid(
    study: Study,
    selection: Selection,
    options: DataOptions,
    weight_set: str,
    device: str,
    report: Callable[[str], None],
) -> Grid:
    """Load what the selected cells need and lay out their trials. A data set that cannot be had is kept as a reason."""
    study = selection.joined(study)
    cells = selection.cells_of(study)
    if not cells:
        raise UserError("--only: nothing of this study is left; `plan` shows its tables, data sets and methods")
    datasets: dict[str, Dataset] = {}
    unavailable: dict[str, str] = {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        try:
            datasets[name] = options.load(name, report)
        except DataUnavailable as error:
            meant = "" if name in DATASETS else may_mean("dataset", name, DATASETS)
            unavailable[name] = f"{error}; is {meant} meant?" if meant else str(error)
    cells = _scorable(cells, study, datasets, report)
    trials: dict[GridCell, dict[int, Trial]] = {}
    for cell in cells:
        found = cell.dataset in datasets
        trials[cell] = (
            {
                seed: make_trial(study, cell, seed, trial_data(study, datasets[cell.dataset]), weight_set, device)
                for seed in range(study.seeds)
            }
            if found
            else {}
        )
    return Grid(study, weight_set, device, trials, datasets, unavailable)


def _scorable(
    cells: list[GridCell], study: Study, datasets: Mapping[str, Dataset], report: Callable[[str], None]
) -> list[GridCell]:
    """The cells whose data set has the labels that their protocol needs. Raises UserError if none is left."""
    needs_labels = {t.number for t in study.tables if "labels_test" in PROTOCOLS[t.protocol].needs}
    unlabelled = {name for name, dataset in datasets.items() if dataset.labels is None}
    kept = [cell for cell in cells if not (cell.table in needs_labels and cell.dataset in unlabelled)]
    for name in sorted({cell.dataset for cell in set(cells) - set(kept)}):
        tables = sorted({cell.table for cell in set(cells) - set(kept) if cell.dataset == name})
        report(f"{name}: has no labels, so it is left out of Table {', '.join(map(str, tables))}")
    if not kept:
        raise UserError("--only: nothing is left, for these tables need labels")
    return kept


def trial_data(study: Study, dataset: Dataset) -> TrialData:
    """What a trial's identity says of its images. Raises UserError for too few to fill one batch."""
    if dataset.n_train < study.training.batch_size:
        raise UserError(
            f"{dataset.name}: {dataset.n_train} training images do not fill a batch of {study.training.batch_size}"
        )
    return TrialData(
        dataset.name,
        dataset.digest,
        dataset.kind,
        dataset.subset,
        study.split,
        dataset.n_train,
        dataset.n_test,
        dataset.image_shape,
    )


def expected_data(study: Study, spec: RegisteredSpec) -> TrialData:
    """What the images of a complete data set would be, before they are here: all but the digest."""
    n_train, n_test = spec.n_train, spec.n_test
    if study.split == "validation":
        n_train, n_test = n_train - VALIDATION_IMAGES, VALIDATION_IMAGES
    return TrialData(
        spec.name,
        "unknown",
        "real",
        False,
        study.split,
        min(n_train, study.n_train or n_train),
        min(n_test, study.n_test or n_test),
        (spec.channels, spec.size, spec.size),
    )


def expected_trials(study: Study, cells: Iterable[GridCell], weight_set: str, device: str) -> list[Trial]:
    """The trials of cells as they would be with complete data, each once; their keys mean nothing yet."""
    unique = {(cell.dataset, cell.method, cell.latent_dim): cell for cell in cells}
    return [
        make_trial(study, cell, seed, expected_data(study, DATASETS[cell.dataset]), weight_set, device)
        for cell in unique.values()
        for seed in range(study.seeds)
    ]


def make_trial(study: Study, cell: GridCell, seed: int, data: TrialData, weight_set: str, device: str) -> Trial:
    """The trial of one cell and seed; of `device` ("cuda:1") only the kind counts."""
    method = ALL_METHODS[cell.method]
    return Trial(
        data,
        cell.method,
        method.revision,
        cell.latent_dim,
        seed,
        weight_set,
        method.settings(weight_set),
        study.training,
        study.protocols(cell.dataset, cell.method, cell.latent_dim),
        device.partition(":")[0],
        method.source,
    )
