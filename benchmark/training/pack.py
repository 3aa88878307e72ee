"""Training of a pack, the seeds of one kind of trial, on one device: the ways to do it, and each device's default.

Every seed has its own model, data order, noise and optimiser, so its result is the same as if it were trained alone.
"""

from collections.abc import Sequence

from torch import Tensor

from benchmark.training.loop import OnEpoch, Training, TrainingResult, advance_together
from benchmark.training.steps import CapturedSteps, EagerSteps
from benchmark.training.training_settings import TrainingSettings
from models.base import ImageAutoencoder

# eager: the seeds' steps interleaved, operation by operation. graphs: each seed's step as a CUDA graph on its own
# stream.
WAYS = ("eager", "graphs")


def default_way(device: str) -> str:
    """Return the default way (from WAYS) for a device; that graphs are faster on GPUs is a prediction.

    Args:
        device: Torch device name, such as "cuda:1".
    """
    return "graphs" if device.startswith("cuda") else "eager"


def default_pack(device: str) -> int | None:
    """Return the default maximum number of seeds in a pack; None for as many as fit into memory.

    On a CPU it is 1, because packs gain nothing there, whereas parallel processes do.

    Args:
        device: Torch device name, such as "cuda:1".
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
    """Train a pack's models, with the same results for each as `loop.train`.

    The results comprise curves, divergence and final states. A seed that diverges does not affect the others.

    Args:
        models: One model per seed; trained in place.
        images: uint8 (N, C, S, S) on the models' device, N >= the batch size.
        settings: The settings of every model.
        seeds: Seeds of the streams for data order and noise.
        way: One of WAYS.
        on_epoch: Called with the number of completed epochs.

    Returns:
        One result per seed.

    Raises:
        ValueError: `way` is "graphs" and the device has no CUDA.
    """
    return advance_together(pack_trainings(models, images, settings, seeds, way), settings, on_epoch)


def pack_trainings(
    models: Sequence[ImageAutoencoder], images: Tensor, settings: TrainingSettings, seeds: Sequence[int], way: str
) -> list[Training]:
    """Make the trainings of a pack, to be advanced together.

    Args:
        models: One model per seed; trained in place.
        images: uint8 (N, C, S, S) on the models' device, N >= the batch size.
        settings: The settings of every model.
        seeds: Seeds of the streams for data order and noise.
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
