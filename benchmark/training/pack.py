"""Training of a pack, the seeds of one kind of trial, on one device: the ways there are, and which one a device gets.

Every seed keeps its own model, data order, noise and optimiser, so its result is that of training it alone, whoever
its companions are.
"""

from collections.abc import Sequence

from torch import Tensor

from benchmark.training.loop import OnEpoch, Training, TrainingResult, advance_together
from benchmark.training.steps import CapturedSteps, EagerSteps
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder

# The seeds' steps in turn, launched as they are; or each seed's step a captured CUDA graph, on parallel streams.
WAYS = ("eager", "graphs")


def default_way(device: str) -> str:
    """What `device` gets; graphs on GPUs are a prediction."""
    return "graphs" if device.startswith("cuda") else "eager"


def default_pack(device: str) -> int | None:
    """Most seeds in a pack, None for as many as fit: on CPUs packs gain nothing, processes in parallel do."""
    return None if device.startswith("cuda") else 1


def train_pack(
    models: Sequence[ImageAutoencoder],
    images: Tensor,
    settings: TrainingSettings,
    seeds: Sequence[int],
    way: str = "eager",
    on_epoch: OnEpoch = lambda epoch: None,
) -> list[TrainingResult]:
    """Train `models`, one a seed, in place on uint8 `images` (N, C, S, S) that lie on their device.

    As `loop.train` for each of them: curves, divergence and the models' final states. A seed that diverges does not
    touch the others. Raises as `pack_trainings`.
    """
    return advance_together(pack_trainings(models, images, settings, seeds, way), settings, on_epoch)


def pack_trainings(
    models: Sequence[ImageAutoencoder], images: Tensor, settings: TrainingSettings, seeds: Sequence[int], way: str
) -> list[Training]:
    """The trainings of a pack, to be advanced together; `way` is one of WAYS.

    Raises:
        ValueError: For graphs on a device without CUDA.
    """
    if way == "graphs" and images.device.type != "cuda":
        raise ValueError(f"{way} needs a CUDA device, not {images.device}")
    return [
        Training(model, images, settings, seed, CapturedSteps(images.device) if way == "graphs" else EagerSteps())
        for model, seed in zip(models, seeds, strict=True)
    ]
