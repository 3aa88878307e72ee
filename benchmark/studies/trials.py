"""A trial: one training and its evaluation, identified by its content alone."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.results.identity import identity_key
from benchmark.results.records import Identity
from benchmark.training.training_settings import TrainingSettings


@dataclass(frozen=True)
class TrialData:
    """The images that a trial sees.

    Attributes:
        name: The data set.
        digest: Of the whole prepared set.
        kind: "real" or "procedural".
        subset: Whether it is a real set whose source is not complete.
        split: One of `named_studies.SPLITS`.
        n_train: Training images that are used.
        n_test: Test images that are used.
        image_shape: (C, S, S).
    """

    name: str
    digest: str
    kind: str
    subset: bool
    split: str
    n_train: int
    n_test: int
    image_shape: tuple[int, int, int]


@dataclass(frozen=True)
class WarmStart:
    """The training that comes before a trial's own, which begins with its parameters: same images, seed and streams.

    Attributes:
        method: Name in ALL_METHODS of what is trained.
        method_revision: Of that method's code.
        settings: Every setting of that method, sizes apart.
        epochs: Passes over the training images; everything else is as in the trial's own training.
        heads: Head of the trial's method -> head of this one that means the same.
    """

    method: str
    method_revision: int
    settings: dict[str, Any]
    epochs: int
    heads: dict[str, str]


# Fields of a trial that were added when records existed already -> the value at which an identity lacks them.
_ADDED_LATER = {"method_source": "", "warm_start": None}


@dataclass(frozen=True)
class Trial:
    """Everything that changes a trial's result.

    Attributes:
        data: The images.
        method: Name in ALL_METHODS.
        method_revision: Of the method's code.
        latent_dim: The size d of a code.
        seed: Of all random streams.
        weight_set: Name of the weight set.
        settings: Every setting of the method, sizes apart.
        training: How the method is trained.
        protocols: Name -> settings, their revision included.
        device: "cpu" or "cuda", whose streams of noise differ; results of one kind of device agree up to rounding.
        method_source: SHA-256 of the file that the method is from; "" for the suite's own, whose identity lacks it.
        warm_start: What is trained before; None, and not in the identity, where training starts afresh.
    """

    data: TrialData
    method: str
    method_revision: int
    latent_dim: int
    seed: int
    weight_set: str
    settings: dict[str, Any]
    training: TrainingSettings
    protocols: dict[str, dict[str, Any]]
    device: str
    method_source: str = ""
    warm_start: WarmStart | None = None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The trial as plain data, the form in which it is hashed and recorded."""
        plain = dataclasses.asdict(self) | {"training": self.training.plain(), "dataset": self.data.name}
        for field, before in _ADDED_LATER.items():
            if plain[field] == before:
                del plain[field]
        identity: dict[str, Any] = json.loads(json.dumps(plain))
        return identity

    @cached_property
    def key(self) -> str:
        """SHA-256 of the identity, the name of the trial's record and checkpoint."""
        return identity_key(self.identity)

    @property
    def epochs(self) -> int:
        """How many epochs it takes, those of its warm start among them."""
        return self.training.epochs + (self.warm_start.epochs if self.warm_start else 0)

    def __str__(self) -> str:
        return str(Identity.parse(self.identity))
