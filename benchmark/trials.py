"""A trial: one training and its evaluation, identified by its content and nothing else."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from benchmark.settings import added_later, check_settings, plain_settings

# tf32: products and convolutions on a GPU, a loss's own among them, round their inputs to 10 bits.
# bfloat16: torch's autocast within the networks, products and convolutions in it; what they give, the losses and every
# term are float32. Weights and their updates are float32 always.
PRECISIONS = ("float32", "tf32", "bfloat16")
# Of a precision whose meaning has changed: raised with it, and only its own trials get new names.
_PRECISION_REVISIONS = {"bfloat16": 2}  # 1: terms were summed in bfloat16


@dataclass(frozen=True)
class TrainingSettings:
    """How every method of a study is trained: AdamW with torch's betas, batches that drop the last odd images.

    `width` scales the channels of the shared networks. `revision` is raised whenever the loop, the shared networks or
    the random streams change what the same settings give. `precision`: one of PRECISIONS, else ValueError. UserError
    for any other value that its field does not take.
    """

    epochs: PositiveInt = 10
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 1e-2
    width: PositiveFloat = 1.0
    revision: PositiveInt = 1
    precision: str = added_later("float32")

    def __post_init__(self):
        check_settings(type(self), vars(self), "training")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r}: there are {', '.join(PRECISIONS)}")

    def plain(self) -> dict[str, Any]:
        """The settings as identities and manifests have them, with the revision of a precision that has one."""
        revised = self.precision in _PRECISION_REVISIONS
        return plain_settings(self) | ({"precision_revision": _PRECISION_REVISIONS[self.precision]} if revised else {})


def trained_as_now(training: Mapping[str, Any]) -> bool:
    """Whether recorded settings (`TrainingSettings.plain`) are of the revisions of this code."""
    now = _PRECISION_REVISIONS.get(training.get("precision"))
    return (training["revision"], training.get("precision_revision")) == (TrainingSettings.revision, now)


@dataclass(frozen=True)
class TrialData:
    """Which images a trial sees: the digest covers the whole prepared set, the counts what is used of it."""

    name: str
    digest: str
    kind: str
    subset: bool
    split: str
    n_train: int
    n_test: int
    image_shape: tuple[int, int, int]


@dataclass(frozen=True)
class Trial:
    """Everything that changes a trial's result. `protocols`: name -> settings, their revision included.

    `device`: "cpu" or "cuda", whose streams of noise differ; results of one kind of device agree up to rounding.
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

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The trial as plain data, the form in which it is hashed and recorded."""
        plain = dataclasses.asdict(self) | {"training": self.training.plain(), "dataset": self.data.name}
        return json.loads(json.dumps(plain))

    @cached_property
    def key(self) -> str:
        """SHA-256 of the identity, the name of the trial's record and checkpoint."""
        return identity_key(self.identity)

    def __str__(self) -> str:
        return f"{self.data.name} {self.method} d={self.latent_dim} seed={self.seed}"


def identity_key(identity: dict[str, Any]) -> str:
    """SHA-256 hex of an identity in canonical JSON."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
