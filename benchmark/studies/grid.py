"""Conversion of a study and the available data to its trials and its manifest."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.data.class_checks import one_sided_classes
from benchmark.data.dataset import Dataset, Report, data_marks, no_report
from benchmark.data.installed_digits import CLASSES, HELD_OUT_OF_EACH, OF_EACH
from benchmark.data.limit import limit
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS, RegisteredSpec
from benchmark.data.validation_split import VALIDATION_IMAGES, hold_out_validation
from benchmark.errors import DataUnavailable, UserError
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.own_training import OwnTraining
from benchmark.methods.registry import METHODS
from benchmark.names import asked_name, may_mean, resolved
from benchmark.paper.tables import DATASET_LABELS
from benchmark.results.manifest import SCHEMA, Manifest, ManifestCell
from benchmark.settings import check_settings
from benchmark.studies.named_studies import GridCell, Study
from benchmark.studies.trials import Trial, TrialData, WarmStart
from benchmark.text import first_line
from benchmark.training.training_settings import TrainingSettings


@dataclass(frozen=True)
class Selection:
    """The cells that `--only` keeps.

    Attributes:
        axes: Axis (a field of GridCell) -> allowed values as text; all values are allowed on an axis that is absent.
    """

    axes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None, datasets: Collection[str] = ()) -> "Selection":
        """Parse text such as "method=vae,method=gmvae,dataset=mnist"; values of the same axis are alternatives.

        Args:
            text: Text from the user; empty or None keeps all cells.
            datasets: Names of data sets to take literally, such as a user's own data sets and those of a manifest.

        Raises:
            UserError: An item is malformed, or its axis or method does not exist.
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
        """Return whether a cell is kept."""
        return all(str(getattr(cell, axis)) in values for axis, values in self.axes.items())

    def cells_of(self, study: Study) -> list[GridCell]:
        """Return the kept cells of a study.

        Raises:
            UserError: No cell of the study has one of the given values; the message lists the existing values.
        """
        for axis, values in self.axes.items():
            known = list(dict.fromkeys(str(getattr(cell, axis)) for cell in study.cells()))
            if unknown := sorted(values - set(known)):
                raise UserError(f"--only {axis}={unknown[0]}: study {study.name} has only {', '.join(known)}")
        return [cell for cell in study.cells() if self.keeps(cell)]

    def joined(self, study: Study) -> Study:
        """Add the selected data sets and methods that are in no table of the study to every table."""
        known = list(study.cells())
        datasets = tuple(sorted(self.axes.get("dataset", frozenset()) - {cell.dataset for cell in known}))
        methods = tuple(sorted(self.axes.get("method", frozenset()) - {cell.method for cell in known}))
        tables = tuple(
            dataclasses.replace(table, datasets=table.datasets + datasets, methods=table.methods + methods)
            for table in study.tables
        )
        return dataclasses.replace(study, tables=tables)


def cut_manifest(manifest: Manifest, only: str | None) -> Manifest:
    """Reduce a manifest to the cells that `--only` keeps.

    Args:
        manifest: The manifest; its names of data sets are taken literally.
        only: As for `Selection.parse`.

    Raises:
        UserError: No cell is left, or `Selection.parse` raises it.
    """
    selection = Selection.parse(only, {cell.dataset for cell in manifest.cells})
    cells = [cell for cell in manifest.cells if selection.keeps(cell)]
    if not cells:
        raise UserError(f"--only: selects no cell of study {manifest.study}; its manifest.json lists them")
    return manifest.with_cells(cells)


@dataclass(frozen=True)
class Grid:
    """A study with the available data: its cells with their trials, and the unavailable data sets.

    Attributes:
        study: The study, including data sets and methods added by `--only`.
        device: Torch device name, such as "cuda:1".
        cells: Cell -> seed -> trial; no trials if the data set is unavailable.
        datasets: Name -> loaded data set.
        unavailable: Data set -> why it is unavailable.
        paired: As `cells`, for the second trial of every pair (`paired_precision`); empty without pairs.
    """

    study: Study
    device: str
    cells: dict[GridCell, dict[int, Trial]]
    datasets: dict[str, Dataset]
    unavailable: dict[str, str]
    paired: dict[GridCell, dict[int, Trial]]

    def trials(self) -> list[Trial]:
        """Return every trial once, in the order of the tables.

        A study with pairs is ordered by seed, with the two trials of a pair in succession, so that a stopped run has
        covered all methods and both precisions equally.
        """
        if not self.paired:
            return _unique(trial for trials in self.cells.values() for trial in trials.values())
        pairs = [
            (trial, self.paired[cell][seed]) for cell, trials in self.cells.items() for seed, trial in trials.items()
        ]
        return _unique(trial for pair in sorted(pairs, key=lambda pair: pair[0].seed) for trial in pair)

    def expected_trials(self) -> list[Trial]:
        """Return the trials of unavailable registered data sets as they would be with complete data.

        Their keys are not valid.
        """
        cells = (cell for cell in self.cells if cell.dataset in self.unavailable and cell.dataset in DATASETS)
        return expected_trials(self.study, cells, self.device)

    def manifest(self) -> Manifest:
        """Make the manifest; the tables are made from it and the records."""
        names = list(dict.fromkeys(cell.dataset for cell in self.cells))
        methods = METHODS | {cell.method: ALL_METHODS[cell.method] for cell in self.cells}
        methods |= {start: ALL_METHODS[start] for method in methods.values() if (start := method.training.after)}
        sources = {name: method.source for name, method in methods.items() if method.source}
        own = {name: method.training.description for name, method in methods.items() if method.source}
        trained = {name: description for name, description in own.items() if description}
        pairs_in = self.study.in_paired_precision
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
            "weight_set": self.study.weight_set,
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
                cell._asdict()
                | {"keys": _keys(trials)}
                | ({"paired_keys": _keys(self.paired[cell])} if self.paired else {})
                for cell, trials in self.cells.items()
            ],
        }
        plain |= {"paired_training": pairs_in.training.plain()} if pairs_in else {}
        plain |= {"method_training": trained} if trained else {}
        return Manifest.parse(plain)


def _unique(trials: Iterable[Trial]) -> list[Trial]:
    return list({trial.key: trial for trial in trials}.values())


def _keys(trials: Mapping[int, Trial]) -> dict[str, str]:
    return {str(seed): trial.key for seed, trial in trials.items()}


@dataclass(frozen=True)
class DataOptions:
    """How a study's images are found and reduced, as plain data that can be sent to worker processes.

    Attributes:
        data_dir: The data folder.
        offline: Whether downloading is forbidden.
        images: One of `benchmark.data.specs.IMAGES`.
        split: One of `named_studies.SPLITS`.
        n_train: Maximum number of training images; None for all.
        n_test: Maximum number of test images; None for all.
    """

    data_dir: Path
    offline: bool
    images: str
    split: str
    n_train: int | None
    n_test: int | None

    @classmethod
    def of(cls, study: Study, data_dir: Path, offline: bool) -> "DataOptions":
        """Return a study's options with the given data folder."""
        return cls(data_dir, offline, study.images, study.split, study.n_train, study.n_test)

    def load(self, name: str, report: Report = no_report) -> Dataset:
        """Load a data set in the form that the study's trials use.

        Args:
            name: Name of the data set.
            report: Called with lines for the user.

        Raises:
            DataUnavailable: The data set is neither on disk nor downloadable.
            UserError: The user's files of the data set are invalid.
        """
        dataset = load_dataset(name, self.data_dir, offline=self.offline, images=self.images, report=report)
        if self.split == "validation":
            unsplit, dataset = dataset, hold_out_validation(dataset)
            if dataset.digest != unsplit.digest:
                report(f"{name}: its classes are not spread over the training images, so {dataset.split}")
        dataset = limit(dataset, self.n_train, self.n_test)
        if said := one_sided_classes(dataset):
            report(said)
        return dataset


def build_grid(study: Study, selection: Selection, options: DataOptions, device: str, report: Report) -> Grid:
    """Load the data that the selected cells need, and make their trials.

    A data set that is unavailable is recorded with the reason.

    Args:
        study: The study.
        selection: The cells that `--only` keeps.
        options: How the images are found.
        device: Torch device name, such as "cuda:1".
        report: Called with lines for the user.

    Raises:
        UserError: No cell is left, a selected value or the user's data are invalid, or a method lacks the weight set.
    """
    study = selection.joined(study)
    cells = selection.cells_of(study)
    if not cells:
        raise UserError("--only: selects nothing in this study; `plan` shows its tables, data sets and methods")
    datasets: dict[str, Dataset] = {}
    unavailable: dict[str, str] = {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        try:
            datasets[name] = options.load(name, report)
        except DataUnavailable as error:
            meant = "" if name in DATASETS else may_mean("dataset", name, DATASETS)
            unavailable[name] = f"{error}; did you mean {meant}?" if meant else str(error)
    cells = _scorable(cells, study, datasets, report)

    def trials_of(one: Study) -> dict[GridCell, dict[int, Trial]]:
        data = {name: trial_data(one, dataset) for name, dataset in datasets.items()}
        trials = _trials_by_kind(one, (cell for cell in cells if cell.dataset in data), data, device)
        return {cell: trials.get(cell.kind, {}) for cell in cells}

    pairs_in = study.in_paired_precision
    return Grid(study, device, trials_of(study), datasets, unavailable, trials_of(pairs_in) if pairs_in else {})


def _scorable(cells: list[GridCell], study: Study, datasets: Mapping[str, Dataset], report: Report) -> list[GridCell]:
    """Return the cells whose data set has the labels that their protocol needs; raise UserError if none is left."""
    needs_labels = {t.number for t in study.tables if "labels_test" in PROTOCOLS[t.protocol].needs}
    others = [str(table.number) for table in study.tables if table.number not in needs_labels]
    unlabelled = {name for name, dataset in datasets.items() if dataset.labels is None}
    kept = [cell for cell in cells if not (cell.table in needs_labels and cell.dataset in unlabelled)]
    for name in sorted({cell.dataset for cell in set(cells) - set(kept)}):
        tables = sorted({cell.table for cell in set(cells) - set(kept) if cell.dataset == name})
        word = "Table" if len(tables) == 1 else "Tables"
        report(f"{name}: has no labels, so it is left out of {word} {', '.join(map(str, tables))}")
    if not kept:
        works = f"; Tables {', '.join(others)} need no labels (--only table={others[0]})" if others else ""
        raise UserError(f"--only: no cell is left because these tables need labels{works}")
    return kept


def trial_data(study: Study, dataset: Dataset) -> TrialData:
    """Describe a data set's images for a trial's identity.

    Raises:
        UserError: There are too few images for one batch.
    """
    if dataset.n_train < study.training.batch_size:
        raise UserError(
            f"{dataset.name}: {dataset.n_train} training images do not fill a batch of {study.training.batch_size}; "
            f"give more images, or --batch-size {dataset.n_train} or less"
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
    """Describe the images of a complete data set before it is available, with an unknown digest."""
    n_train, n_test = spec.n_train, spec.n_test
    if study.images == "installed":
        n_train, n_test = CLASSES * (OF_EACH - HELD_OUT_OF_EACH), CLASSES * HELD_OUT_OF_EACH
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


def expected_trials(study: Study, cells: Iterable[GridCell], device: str) -> list[Trial]:
    """Return the trials of cells as they would be with complete data, each once, including both trials of every pair.

    Their keys are not valid.

    Args:
        study: The study.
        cells: Cells of registered data sets.
        device: Torch device name, such as "cuda:1".
    """
    cells = list(cells)
    data = {cell.dataset: expected_data(study, DATASETS[cell.dataset]) for cell in cells}
    each = [_trials_by_kind(one, cells, data, device) for one in (study, study.in_paired_precision) if one]
    return [trials[kind][seed] for kind in each[0] for seed in range(study.seeds) for trials in each]


def _trials_by_kind(
    study: Study, cells: Iterable[GridCell], data: Mapping[str, TrialData], device: str
) -> dict[tuple[str, str, int], dict[int, Trial]]:
    """Return trials by kind and seed; a trial in several tables is made once, and seeds are copied from the first."""
    trials: dict[tuple[str, str, int], dict[int, Trial]] = {}
    for cell in cells:
        if cell.kind not in trials:
            first = make_trial(study, cell, 0, data[cell.dataset], device)
            trials[cell.kind] = {seed: dataclasses.replace(first, seed=seed) for seed in range(study.seeds)}
    return trials


def make_trial(study: Study, cell: GridCell, seed: int, data: TrialData, device: str) -> Trial:
    """Make the trial of one cell and seed.

    Args:
        study: The study.
        cell: The cell.
        seed: Seed of all its random streams.
        data: Description of its images.
        device: Torch device name, such as "cuda:1"; only the kind of device is used.

    Raises:
        UserError: The method lacks the study's weight set, or its own training settings are invalid.
    """
    method = ALL_METHODS[cell.method]
    own = method.training
    check_settings(TrainingSettings, own.settings, f"method {cell.method}, training", apart=("epochs", "revision"))
    try:
        training = dataclasses.replace(study.training, epochs=own.times * study.training.epochs, **own.settings)
    except (TypeError, ValueError) as error:
        raise UserError(f"method {cell.method}, training: {first_line(error)}") from None
    return Trial(
        data,
        cell.method,
        method.revision,
        cell.latent_dim,
        seed,
        study.weight_set,
        method.settings(study.weight_set, study.settings.get(cell.method, {})),
        training,
        study.protocols(cell.dataset, cell.method, cell.latent_dim),
        device.partition(":")[0],
        method.source,
        _warm_start(study, own) if own.after else None,
    )


def _warm_start(study: Study, own: OwnTraining) -> WarmStart:
    method = ALL_METHODS[own.after]
    settings = method.settings(study.weight_set, study.settings.get(own.after, {}))
    return WarmStart(own.after, method.revision, settings, study.training.epochs, dict(own.heads))
