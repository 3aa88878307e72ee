"""A trial: one training and its evaluation, identified by its content and nothing else."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.results.identity import identity_key
from benchmark.training.training_settings import TrainingSettings


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
    `method_source`: SHA-256 of the file that the method is from; "" for the suite's own, whose identity lacks it.
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

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The trial as plain data, the form in which it is hashed and recorded."""
        plain = dataclasses.asdict(self) | {"training": self.training.plain(), "dataset": self.data.name}
        if not self.method_source:
            del plain["method_source"]
        identity: dict[str, Any] = json.loads(json.dumps(plain))
        return identity

    @cached_property
    def key(self) -> str:
        """SHA-256 of the identity, the name of the trial's record and checkpoint."""
        return identity_key(self.identity)

    def __str__(self) -> str:
        return f"{self.data.name} {self.method} d={self.latent_dim} seed={self.seed}"
