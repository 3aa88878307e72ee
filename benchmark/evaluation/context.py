"""The device that scoring runs on, and where it may look for pretrained weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.evaluation.backbones import ALL_BACKBONES, Backbone


@dataclass(frozen=True)
class EvaluationContext:
    """Where scoring runs and may look for weights; nothing here changes what a score means, and nothing is downloaded.

    Attributes:
        weights_dir: Where pretrained weights are looked for first; None: the torch hub cache.
        device: A torch device.
        statistics_dir: Where the originals' Inception statistics are cached between runs; None: nowhere.
        backbones: The files of pretrained weights, by name.
        weights_missing: Name of a backbone -> why it cannot be had, where that was found out for all trials.
        left_out: Metrics that are not computed.
    """

    weights_dir: Path | None = None
    device: str = "cpu"
    statistics_dir: Path | None = None
    backbones: Mapping[str, Backbone] = field(default_factory=lambda: ALL_BACKBONES)
    weights_missing: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    @property
    def batch_size(self) -> int:
        """How many images to score at a time; scores do not depend on it. Inception takes some 15 MB per image."""
        return 256 if self.device.startswith("cuda") else 32
