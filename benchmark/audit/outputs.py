"""The outputs of a trained model that the audit scores, for the judged protocols and their alternatives."""

from dataclasses import dataclass

import numpy as np

from benchmark.evaluation.protocols import TrialOutputs

JUDGED = "judged"  # the name of the protocol that records and verdicts use, among its alternatives
AND = ", "  # separates the parts of an alternative's name


@dataclass(frozen=True)
class AuditOutputs(TrialOutputs):
    """TrialOutputs with the additional images that alternatives need.

    Attributes:
        sampled_reconstructions_test: Float32 in [0, 1], shaped as images_test, decoded from sampled codes; None if no
            alternative needs them.
        prior_samples: Likewise, decoded from codes drawn from the model's prior.

    Raises:
        ValueError: Their shape differs from that of images_test.
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
