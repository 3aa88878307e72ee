"""Where scoring runs and where it may look for weights."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmark.evaluation.backbones import BACKBONES, Backbone


@dataclass(frozen=True)
class EvaluationContext:
    """Where scoring runs and may look for weights; nothing here changes what a score means."""

    weights_dir: Path | None = None
    device: str = "cpu"
    offline: bool = True
    statistics_dir: Path | None = None  # where the originals' Inception statistics are kept between runs
    backbones: dict[str, Backbone] = field(default_factory=lambda: dict(BACKBONES))

    @property
    def batch_size(self) -> int:
        """Images at a time; scores do not depend on it. Inception takes some 15 MB per image."""
        return 256 if self.device.startswith("cuda") else 32
