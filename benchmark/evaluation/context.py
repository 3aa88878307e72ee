"""The device that scoring runs on, and where it may look for pretrained weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.evaluation.backbones import ALL_BACKBONES, Backbone


@dataclass(frozen=True)
class EvaluationContext:
    """The device and folders that scoring uses; no field changes the value of a score, and nothing is downloaded.

    Attributes:
        weights_dir: Folder that is searched first for pretrained weights; None: the torch hub cache.
        device: A torch device.
        statistics_dir: Cache folder for the originals' Inception statistics between runs; None: no such cache.
        backbones: The files of pretrained weights, by name.
        weights_missing: Name of a backbone -> why it is unavailable, if that was established for all trials.
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
        """The number of images per batch, which does not affect scores. Inception needs some 15 MB per image."""
        return 256 if self.device.startswith("cuda") else 32
