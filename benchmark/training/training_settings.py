"""How a training is done: the settings that every method of a study shares."""

from collections.abc import Mapping
from dataclasses import dataclass
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

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self), "training")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r}: there are {', '.join(PRECISIONS)}")

    def plain(self) -> dict[str, Any]:
        """The settings as identities and manifests have them, with the revision of a precision that has one."""
        revised = self.precision in _PRECISION_REVISIONS
        return plain_settings(self) | ({"precision_revision": _PRECISION_REVISIONS[self.precision]} if revised else {})


def trained_as_now(training: Mapping[str, Any]) -> bool:
    """Whether recorded settings (`TrainingSettings.plain`) are of the revisions of this code."""
    now = _PRECISION_REVISIONS.get(training.get("precision", ""))
    return (training["revision"], training.get("precision_revision")) == (TrainingSettings.revision, now)
