"""From a study and the data at hand to its trials, and to the manifest that tables are made from."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.data import Dataset, limit, load_dataset
from benchmark.errors import DataUnavailable, UserError
from benchmark.methods import METHODS
from benchmark.paper import DATASET_LABELS
from benchmark.studies import Cell, Study
from benchmark.trials import Trial, TrialData

MANIFEST_SCHEMA = 1
VALIDATION_IMAGES = 10_000


@dataclass(frozen=True)
class Selection:
    """What `--only` keeps: each axis is a set of allowed values, an absent axis allows all."""

    axes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> "Selection":
        """From "method=vae,method=gmvae,dataset=mnist"; values of one axis add up. Raises UserError."""
        axes: dict[str, set[str]] = {}
        for item in (text or "").split(","):
            if not item.strip():
                continue
            axis, equals, value = (part.strip() for part in item.partition("="))
            if axis not in ("table", "dataset", "method", "latent_dim") or not equals or not value:
                raise UserError(
                    f"--only {item!r}: write AXIS=VALUE with table, dataset, method or latent_dim as the axis"
                )
            if axis == "method" and value not in METHODS:
                raise UserError(f"--only method={value}: no such method; there are {', '.join(METHODS)}")
            axes.setdefault(axis, set()).add(value)
        return cls({axis: frozenset(values) for axis, values in axes.items()})

    def keeps(self, cell: Cell) -> bool:
        return all(str(getattr(cell, axis)) in values for axis, values in self.axes.items())

    def own_datasets(self, study: Study) -> list[str]:
        """Data sets asked for by name that no table of the study has: the user's own, or one of another table."""
        in_study = {cell.dataset for cell in study.cells()}
        return sorted(self.axes.get("dataset", frozenset()) - in_study)


def with_own_datasets(study: Study, names: Iterable[str]) -> Study:
    """The study with further data sets in every table."""
    names = tuple(names)
    tables = tuple(dataclasses.replace(table, datasets=table.datasets + names) for table in study.tables)
    return dataclasses.replace(study, tables=tables)


@dataclass(frozen=True)
class Grid:
    """A study against the data at hand: its cells with their trials, and what could not be had."""

    study: Study
    weight_set: str
    cells: dict[Cell, dict[int, Trial]]  # seed -> trial; empty where the data set is not available
    datasets: dict[str, Dataset]
    unavailable: dict[str, str]

    def trials(self) -> list[Trial]:
        """Every trial once, in the order of the tables."""
        unique = {trial.key: trial for trials in self.cells.values() for trial in trials.values()}
        return list(unique.values())

    def manifest(self) -> dict[str, Any]:
        """Plain data from which, with the records, the tables are made."""
        names = list(dict.fromkeys(cell.dataset for cell in self.cells))
        return {
            "schema": MANIFEST_SCHEMA,
            "study": self.study.name,
            "seeds": self.study.seeds,
            "weight_set": self.weight_set,
            "notes": self.study.notes(),
            "marks": {name: data_marks(self.datasets[name]) for name in names if name in self.datasets},
            "unavailable": {name: self.unavailable[name] for name in names if name in self.unavailable},
            "method_labels": {name: method.label for name, method in METHODS.items()},
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


def data_marks(dataset: Dataset) -> list[str]:
    """What a reader must know of a data set wherever its numbers stand."""
    return (["procedural"] if dataset.kind == "procedural" else []) + (["subset"] if dataset.subset else [])


def hold_out_validation(dataset: Dataset) -> Dataset:
    """The last 10,000 training images as the test split; the test images are gone."""
    if dataset.n_train <= VALIDATION_IMAGES:
        raise UserError(f"{dataset.name}: {dataset.n_train:,} training images are too few to hold out 10,000")
    kept = {
        field: array[: dataset.n_train]
        for field in ("images", "labels", "factors")
        if (array := getattr(dataset, field)) is not None
    }
    return dataclasses.replace(dataset, **kept, n_train=dataset.n_train - VALIDATION_IMAGES)


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
            dataset = hold_out_validation(dataset)
        return limit(dataset, self.n_train, self.n_test)


def build_grid(
    study: Study,
    selection: Selection,
    options: DataOptions,
    weight_set: str,
    device: str,
    report: Callable[[str], None],
) -> Grid:
    """Load what the selected cells need and lay out their trials. A data set that cannot be had is kept as a reason."""
    study = with_own_datasets(study, selection.own_datasets(study))
    cells = [cell for cell in study.cells() if selection.keeps(cell)]
    if not cells:
        raise UserError("--only: nothing of this study is left; `plan` shows its tables, data sets and methods")
    datasets: dict[str, Dataset] = {}
    unavailable: dict[str, str] = {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        try:
            datasets[name] = options.load(name, report)
        except DataUnavailable as error:
            unavailable[name] = str(error)
    trials: dict[Cell, dict[int, Trial]] = {}
    for cell in cells:
        found = cell.dataset in datasets
        trials[cell] = (
            {
                seed: make_trial(study, cell, seed, datasets[cell.dataset], weight_set, device)
                for seed in range(study.seeds)
            }
            if found
            else {}
        )
    return Grid(study, weight_set, trials, datasets, unavailable)


def make_trial(study: Study, cell: Cell, seed: int, dataset: Dataset, weight_set: str, device: str) -> Trial:
    """The trial of one cell and seed; of `device` ("cuda:1") only the kind counts."""
    method = METHODS[cell.method]
    if dataset.n_train < study.training.batch_size:
        raise UserError(
            f"{dataset.name}: {dataset.n_train} training images do not fill a batch of {study.training.batch_size}"
        )
    data = TrialData(
        dataset.name,
        dataset.digest,
        dataset.kind,
        dataset.subset,
        study.split,
        dataset.n_train,
        dataset.n_test,
        dataset.image_shape,
    )
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
    )
