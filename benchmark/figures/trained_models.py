"""Trained models as their checkpoints have them, and test images through them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.data import Dataset
from benchmark.evaluation.image_subsets import random_subset, stratified_subset
from benchmark.execution.stored_models import NotAtHand, stored_model
from benchmark.figures.study_source import (
    CannotDraw,
    Kind,
    Source,
    by_page,
    face,
    fault_of,
    kinds,
    method_label,
    seed_list,
)
from benchmark.results.records import Identity, Record
from benchmark.training.loop import to_unit_range
from models.base import ImageAutoencoder

N_IMAGES = 10  # side by side on a page
_BATCH = 500


@dataclass(frozen=True)
class Trained:
    """One trial's model, on its device and in eval mode."""

    label: str
    seed: int
    record: Record
    model: ImageAutoencoder

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Deterministic codes float32 (n, d) of images uint8 (n, C, S, S)."""
        return _in_batches(lambda batch: self.model.embed(to_unit_range(batch)), images, self._device)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Images float32 in [0, 1] (..., C, S, S) of codes float32 (..., d)."""
        images = _in_batches(self.model.decode, codes.reshape(-1, codes.shape[-1]), self._device)
        return images.reshape(*codes.shape[:-1], *images.shape[1:])

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device


@dataclass(frozen=True)
class Models:
    """What a page of images shows: the data set, one model per method, and what the caption must say of them."""

    dataset: Dataset
    models: tuple[Trained, ...]
    caption: tuple[str, ...]


def trained(source: Source, kind: Kind) -> Trained:
    """The kind's model of its lowest seed that has a result and a checkpoint. Raises CannotDraw for none."""
    faults: dict[str, list[int]] = {}
    for seed in kind.seeds:
        fault = fault_of(seed)
        if not fault and seed.record and source.checkpoint(seed.record.key).is_file():
            return _loaded(source, kind, seed.record)
        faults.setdefault(fault or "no checkpoint", []).append(seed.seed)
    raise CannotDraw(", ".join(f"{fault} ({seed_list(numbers)})" for fault, numbers in faults.items()))


def models_of(source: Source, dataset: str, found: list[Kind]) -> Models:
    """One model for each of the kinds that has one, and the images that they saw.

    Raises CannotDraw where none has, or the images are not to be had.
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
    caption += face(source.study.manifest, dataset)
    if absent:
        caption.append(f"Not shown: {without}.")
    return Models(dataset_of(source, models[0].record.identity), tuple(models), tuple(caption))


def image_pages(
    source: Source, name: str, data_of: Callable[[Source, list[Kind]], Any]
) -> Iterator[tuple[str, Any | CannotDraw]]:
    """A page for each data set and latent dim of the reconstruction tables, of `data_of` its kinds."""
    for (dataset, dim), found in by_page(kinds(source, "reconstruction")).items():
        try:
            data = data_of(source, found)
        except CannotDraw as reason:
            data = reason
        yield f"{name}_{dataset}_d{dim}", data


def some_test_images(dataset: Dataset, n: int) -> np.ndarray:
    """n test images, uint8 (n, C, S, S), the same for every method: of every class its share and in the classes'
    order where there are labels, else at random."""
    labels = dataset.y_test
    if labels is None:
        rows = random_subset(dataset.n_test, n)
    else:
        rows = stratified_subset(labels, n)
        rows = rows[np.argsort(labels[rows], kind="stable")]
    return np.asarray(dataset.x_test[rows])


def dataset_of(source: Source, identity: Identity) -> Dataset:
    """The images that a trial saw. Raises CannotDraw where they are not to be had."""
    try:
        return source.images(identity)
    except NotAtHand as reason:
        raise CannotDraw(str(reason)) from reason


def _loaded(source: Source, kind: Kind, record: Record) -> Trained:
    try:
        model = stored_model(record.identity, source.checkpoint(record.key))
    except NotAtHand as reason:
        raise CannotDraw(str(reason)) from reason
    return Trained(method_label(source, kind.method), record.identity.seed, record, model.to(source.device))


@torch.no_grad()
def _in_batches(
    function: Callable[[torch.Tensor], torch.Tensor], inputs: np.ndarray, device: torch.device
) -> np.ndarray:
    batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
    # np.array: a memory map is read-only, which torch.from_numpy does not like.
    outputs = [function(torch.from_numpy(np.array(batch)).to(device)).float().cpu().numpy() for batch in batches]
    return np.concatenate(outputs)
