"""The training settings, shared by all methods of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from benchmark.settings import added_later, check_settings, plain_settings

# tf32: matrix products and convolutions on a GPU, including those of a loss, round their inputs to 10 bits.
# bfloat16: torch's autocast within the networks, for products and convolutions; the networks' outputs, the losses and
# every term are float32. Weights and their updates are always float32.
PRECISIONS = ("float32", "tf32", "bfloat16")
OPTIMISERS = ("adamw", "sgd")
# Revision of a precision, raised when its meaning changes, so that only trials in that precision get new keys.
_PRECISION_REVISIONS = {"bfloat16": 3}  # 1: terms were summed in bfloat16; 2: every convolution was torch's own


@dataclass(frozen=True)
class TrainingSettings:
    """How every method of a study is trained; incomplete last batches are dropped.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: The optimiser's learning rate.
        weight_decay: The optimiser's weight decay, decoupled for AdamW and part of the gradient for SGD.
        width: Factor for the channels of the shared networks.
        revision: Raised whenever the loop, the shared networks or the random streams change the result of the same
            settings.
        precision: One of PRECISIONS.
        optimiser: One of OPTIMISERS: AdamW with torch's betas, or SGD.
        momentum: Momentum of SGD.

    Raises:
        ValueError: The precision is not in PRECISIONS, or the optimiser is not in OPTIMISERS.
        UserError: The value of another field is invalid.
    """

    epochs: PositiveInt = 10
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 1e-2
    width: PositiveFloat = 1.0
    revision: PositiveInt = 1
    precision: str = added_later("float32")
    optimiser: str = added_later("adamw")
    momentum: float = added_later(0.0)

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self), "training")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r}: there are {', '.join(PRECISIONS)}")
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser {self.optimiser!r}: there are {', '.join(OPTIMISERS)}")

    def plain(self) -> dict[str, Any]:
        """Return the settings for identities and manifests, with the revision of the precision if it has one."""
        revised = self.precision in _PRECISION_REVISIONS
        return plain_settings(self) | ({"precision_revision": _PRECISION_REVISIONS[self.precision]} if revised else {})


def precision_note(precision: str) -> str:
    """Return a study's note that it is trained in a precision other than float32."""
    return f"trained in {precision}"


def has_current_revisions(training: Mapping[str, Any]) -> bool:
    """Return whether recorded settings have this code's revisions.

    Args:
        training: Output of `TrainingSettings.plain`.
    """
    now = _PRECISION_REVISIONS.get(training.get("precision", ""))
    return (training["revision"], training.get("precision_revision")) == (TrainingSettings.revision, now)
