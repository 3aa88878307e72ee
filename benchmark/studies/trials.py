"""A trial: one training and its evaluation, identified only by its content."""

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
    """The images of a trial.

    Attributes:
        name: Name of the data set.
        digest: SHA-256 of the whole prepared data set.
        kind: "real" or "procedural".
        subset: Whether it is a real data set whose source is incomplete.
        split: One of `named_studies.SPLITS`.
        n_train: Number of training images used.
        n_test: Number of test images used.
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
    """The training that provides a trial's initial parameters, with the same images, seed and streams.

    Attributes:
        method: Its method, a name in ALL_METHODS.
        method_revision: Revision of that method's code.
        settings: All settings of that method except sizes.
        epochs: Passes over the training images; everything else is as in the trial's own training.
        heads: Head of the trial's method -> the corresponding head of this method.
    """

    method: str
    method_revision: int
    settings: dict[str, Any]
    epochs: int
    heads: dict[str, str]


# Fields added to trials when records already existed -> the value for which an identity omits the field.
_ADDED_LATER = {"method_source": "", "warm_start": None}


@dataclass(frozen=True)
class Trial:
    """Everything that changes a trial's result.

    Attributes:
        data: The images.
        method: Name in ALL_METHODS.
        method_revision: Revision of the method's code.
        latent_dim: The latent dimension d.
        seed: Seed of all random streams.
        weight_set: Name of the weight set.
        settings: All settings of the method except sizes.
        training: How the method is trained.
        protocols: Protocol -> settings, including their revision.
        device: "cpu" or "cuda", whose noise streams differ; results from one kind of device agree up to rounding.
        method_source: SHA-256 of the file that defines the method; "", and not in the identity, for the suite's own
            methods.
        warm_start: The training that provides the initial parameters; None, and not in the identity, without one.
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
        """The trial as plain data, as it is hashed and recorded."""
        plain = dataclasses.asdict(self) | {"training": self.training.plain(), "dataset": self.data.name}
        for field, before in _ADDED_LATER.items():
            if plain[field] == before:
                del plain[field]
        identity: dict[str, Any] = json.loads(json.dumps(plain))
        return identity

    @cached_property
    def key(self) -> str:
        """SHA-256 of the identity, which names the trial's record and checkpoint."""
        return identity_key(self.identity)

    @property
    def epochs(self) -> int:
        """Number of epochs, including those of the warm start."""
        return self.training.epochs + (self.warm_start.epochs if self.warm_start else 0)

    def __str__(self) -> str:
        return str(Identity.parse(self.identity))
