"""Trained models from checkpoints, and their codes and reconstructions of test images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.data.dataset import Dataset
from benchmark.evaluation.image_subsets import random_subset, stratified_subset
from benchmark.execution.evaluate_trial import in_batches
from benchmark.execution.stored_models import NotAvailable, stored_model
from benchmark.figures.study_source import (
    CannotDraw,
    StudySource,
    TrialKind,
    by_page,
    fault_of,
    kinds,
    method_label,
    seed_list,
    study_caption,
)
from benchmark.results.records import Identity, Record
from benchmark.training.memory_layout import laid_out
from models.base import ImageAutoencoder

N_IMAGES = 10  # number of images side by side


@dataclass(frozen=True)
class Trained:
    """The trained model of a trial, on its device and in eval mode.

    Attributes:
        label: The method's label in figures.
    """

    label: str
    seed: int
    record: Record
    model: ImageAutoencoder

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encode images.

        Args:
            images: uint8 (n, C, S, S).

        Returns:
            Deterministic codes, float32 (n, d).
        """
        return in_batches(lambda batch: (self.model.embed(batch),), images, self._device)[0]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decode codes.

        Args:
            codes: Codes, float32 (..., d).

        Returns:
            Images in [0, 1], float32 (..., C, S, S).
        """
        rows = codes.reshape(-1, codes.shape[-1])
        images = in_batches(lambda batch: (self.model.decode(batch),), rows, self._device)[0]
        return images.reshape(*codes.shape[:-1], *images.shape[1:])

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device


@dataclass(frozen=True)
class Models:
    """The models and images of a page.

    Attributes:
        models: One model per method.
        caption: Sentences about them for the caption.
    """

    dataset: Dataset
    models: tuple[Trained, ...]
    caption: tuple[str, ...]


def trained(source: StudySource, kind: TrialKind) -> Trained:
    """Load the model of a kind's lowest seed that has a result and a checkpoint.

    Raises:
        CannotDraw: No seed has both, or the model's method is not available here.
    """
    faults: dict[str, list[int]] = {}
    for seed in kind.seeds:
        fault = fault_of(seed)
        if not fault and seed.record and source.checkpoint(seed.record.key).is_file():
            return _loaded(source, kind, seed.record)
        faults.setdefault(fault or "no checkpoint", []).append(seed.seed)
    raise CannotDraw(", ".join(f"{fault} ({seed_list(numbers)})" for fault, numbers in faults.items()))


def models_of(source: StudySource, dataset: str, found: list[TrialKind]) -> Models:
    """Load a model for each kind that has one, and the images that they were trained on.

    Args:
        source: The source.
        dataset: The data set of all the kinds.
        found: The kinds.

    Raises:
        CannotDraw: No kind has a model, or the images are not available.
    """
    models: list[Trained] = []
    absent: dict[str, list[str]] = {}
    for kind in found:
        try:
            models.append(trained(source, kind))
        except CannotDraw as reason:
            absent.setdefault(str(reason), []).append(method_label(source, kind.method))
    if not models and len(absent) == 1:
        raise CannotDraw(f"no model to show: {next(iter(absent))}")
    without = "; ".join(f"{', '.join(labels)}: {reason}" for reason, labels in absent.items())
    if not models:
        raise CannotDraw(f"no model to show: {without}")
    seeds = sorted({model.seed for model in models})
    caption = [f"One model per method, of {seed_list(seeds)} (the lowest with a checkpoint)."]
    caption += study_caption(source.study.manifest, dataset)
    if absent:
        caption.append(f"Not shown: {without}.")
    return Models(dataset_of(source, models[0].record.identity), tuple(models), tuple(caption))


def image_pages(
    source: StudySource, name: str, data_of: Callable[[StudySource, list[TrialKind]], Any]
) -> Iterator[tuple[str, Any | CannotDraw]]:
    """Collect a page for each data set and latent dim of the reconstruction tables.

    Args:
        source: The source.
        name: Prefix of the pages' names.
        data_of: Makes the data of a page from its kinds, or raises CannotDraw.

    Yields:
        The name of each page, with its data or the reason why it cannot be made.
    """
    for (dataset, dim), found in by_page(kinds(source, "reconstruction")).items():
        try:
            data = data_of(source, found)
        except CannotDraw as reason:
            data = reason
        yield f"{name}_{dataset}_d{dim}", data


def some_test_images(dataset: Dataset, n: int) -> np.ndarray:
    """Choose n test images, the same for every method.

    With labels the choice is stratified and ordered by class; without, it is random.

    Returns:
        uint8 (n, C, S, S); fewer if the set has fewer.
    """
    labels = dataset.y_test
    if labels is None:
        rows = random_subset(dataset.n_test, n)
    else:
        rows = stratified_subset(labels, n)
        rows = rows[np.argsort(labels[rows], kind="stable")]
    return np.asarray(dataset.x_test[rows])


def dataset_of(source: StudySource, identity: Identity) -> Dataset:
    """Load the images that a trial was trained and scored on.

    Raises:
        CannotDraw: The images are not available.
    """
    try:
        return source.images(identity)
    except NotAvailable as reason:
        raise CannotDraw(str(reason)) from reason


def _loaded(source: StudySource, kind: TrialKind, record: Record) -> Trained:
    try:
        model = stored_model(record.identity, source.checkpoint(record.key))
    except NotAvailable as reason:
        raise CannotDraw(str(reason)) from reason
    return Trained(method_label(source, kind.method), record.identity.seed, record, laid_out(model, source.device))
