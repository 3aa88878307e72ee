"""What a trained model is reduced to for the audit: the judged protocols' outputs, and what the alternatives need."""

from dataclasses import dataclass

import numpy as np

from benchmark.evaluation.protocols import TrialOutputs

JUDGED = "judged"  # the name of the protocol that the records and verdicts rest on, beside its alternatives

# Parts of alternatives' names that are no reading of the paper: what is drawn again only tells a spread, and its Tables
# 3 and 5 are of reconstructions, not of samples.
_NO_READINGS = ("random half 2", "random half 3", "random start", "prior samples")


def is_reading(alternative: str) -> bool:
    """Whether an alternative could be what the paper did, so that conclusions may hang on it."""
    return not any(part in alternative for part in _NO_READINGS)


@dataclass(frozen=True)
class AuditOutputs(TrialOutputs):
    """TrialOutputs with images that only alternatives look at; each None where no alternative needs it. ValueError
    where their shape is not that of images_test.

    Both are float32 in [0, 1] and of the shape of images_test: `sampled_reconstructions_test` are decoded from codes
    with the posterior's noise, `prior_samples` from codes drawn from the model's prior.
    """

    sampled_reconstructions_test: np.ndarray | None = None
    prior_samples: np.ndarray | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("sampled_reconstructions_test", "prior_samples"):
            images = getattr(self, name)
            shape = None if self.images_test is None else self.images_test.shape
            if images is not None and images.shape != shape:
                raise ValueError(f"images_test {shape} and {name} {images.shape}")
