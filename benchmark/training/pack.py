"""Training of a pack, the seeds of one kind of trial, on one device: the ways to do it, and each device's default.

Every seed keeps its own model, data order, noise and optimiser, so its result is that of training it alone, whatever
else is in the pack.
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
    """Return the way of WAYS that a device gets; that graphs are the better one on GPUs is a prediction.

    Args:
        device: torch's name of it, such as "cuda:1".
    """
    return "graphs" if device.startswith("cuda") else "eager"


def default_pack(device: str) -> int | None:
    """Return the most seeds in a pack, None for as many as fit.

    On a CPU it is 1: packs gain nothing there, processes in parallel do.

    Args:
        device: torch's name of it, such as "cuda:1".
    """
    return None if device.startswith("cuda") else 1


def train_pack(
    models: Sequence[ImageAutoencoder],
    images: Tensor,
    settings: TrainingSettings,
    seeds: Sequence[int],
    way: str = "eager",
    on_epoch: OnEpoch = lambda epoch: None,
) -> list[TrainingResult]:
    """Train a pack's models, with the results of `loop.train` for each of them.

    These are curves, divergence and the models' final states. A seed that diverges does not affect the others.

    Args:
        models: One a seed, trained in place.
        images: uint8 (N, C, S, S) on the models' device, N >= the batch size.
        settings: Those of every model.
        seeds: Of the streams of data order and noise.
        way: One of WAYS.
        on_epoch: Called with the number of epochs done.

    Returns:
        A result for each seed.

    Raises:
        ValueError: `way` is "graphs" and the device has no CUDA.
    """
    return advance_together(pack_trainings(models, images, settings, seeds, way), settings, on_epoch)


def pack_trainings(
    models: Sequence[ImageAutoencoder], images: Tensor, settings: TrainingSettings, seeds: Sequence[int], way: str
) -> list[Training]:
    """Make the trainings of a pack, to be advanced together.

    Args:
        models: One a seed, trained in place.
        images: uint8 (N, C, S, S) on the models' device, N >= the batch size.
        settings: Those of every model.
        seeds: Of the streams of data order and noise.
        way: One of WAYS.

    Raises:
        ValueError: `way` is "graphs" and the device has no CUDA.
    """
    if way == "graphs" and images.device.type != "cuda":
        raise ValueError(f"{way} needs a CUDA device, not {images.device}")
    return [
        Training(model, images, settings, seed, CapturedSteps(images.device) if way == "graphs" else EagerSteps())
        for model, seed in zip(models, seeds, strict=True)
    ]
