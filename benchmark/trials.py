"""A trial: one training and its evaluation, identified by its content and nothing else."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.settings import added_later, plain_settings

# bfloat16 is torch's autocast: products and convolutions in it, sums, losses and weights in float32.
PRECISIONS = ("float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class TrainingSettings:
    """How every method of a study is trained: AdamW with torch's betas, batches that drop the last odd images.

    `width` scales the channels of the shared networks. `revision` is raised whenever the loop, the shared networks or
    the random streams change what the same settings give. `precision`: one of PRECISIONS, else ValueError.
    """

    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    width: float = 1.0
    revision: int = 1
    precision: str = added_later("float32")

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r}: there are {', '.join(PRECISIONS)}")


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
        plain = dataclasses.asdict(self) | {"training": plain_settings(self.training), "dataset": self.data.name}
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
