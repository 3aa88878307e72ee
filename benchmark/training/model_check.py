"""A check of a model before its training: whether its functions return what training and evaluation need."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from benchmark.errors import UserError
from benchmark.streams import generator
from benchmark.text import first_line
from benchmark.training.loop import to_unit_range
from models.base import ImageAutoencoder, InvalidModelOutput, draw_noise, shape_fault

_IMAGES = 2
# Not faults of the model, or named already.
_RAISED_AS_THEY_ARE = (
    InvalidModelOutput,
    NotImplementedError,
    OSError,
    UserError,
    torch.AcceleratorError,
    torch.OutOfMemoryError,
)


def check_model(model: ImageAutoencoder, images: Tensor) -> None:
    """Call the functions of a model on two images, in eval mode.

    Torch's global streams are restored.

    Args:
        model: A model, on the device of `images`, that is not trained afterwards: its functions may change it.
        images: uint8 (N, C, S, S), N >= 1.

    Raises:
        InvalidModelOutput: A function raises an error, or its result has another shape or range than it should.
        NotImplementedError: A function is not defined.
    """
    batch = to_unit_range(images[:_IMAGES])
    model.eval()
    with torch.random.fork_rng(devices=[images.device] if images.device.type == "cuda" else []):
        with torch.no_grad():
            _check_codes_and_images(model, batch)
        with _named(model, "noise_shapes"):
            shapes = model.noise_shapes(len(batch))
            noise = draw_noise(shapes, images.device, generator(images.device, "model_check"))
        with _named(model, "loss_terms"):
            model.objective(batch, noise)


def _check_codes_and_images(model: ImageAutoencoder, batch: Tensor) -> None:
    """Raise InvalidModelOutput unless the images' codes are (B, d) and are decoded to images in [0, 1]."""
    with _named(model, "point_latents"):
        codes = model.point_latents(batch)
    _refuse(model, "point_latents", shape_fault("its result", codes, (len(batch), model.latent_dim)))
    with _named(model, "decode"):
        decoded = model.decode(codes)
    _refuse(model, "decode", shape_fault("its result", decoded, tuple(batch.shape)))
    least, most = decoded.aminmax()
    if least < 0 or most > 1:  # NaN passes: it ends the training as diverged
        _refuse(model, "decode", f"its result has values from {least:.3g} to {most:.3g} instead of from 0 to 1")


def _refuse(model: ImageAutoencoder, function: str, fault: str) -> None:
    if fault:
        raise InvalidModelOutput(f"{type(model).__name__}.{function}: {fault}")


@contextmanager
def _named(model: ImageAutoencoder, function: str) -> Iterator[None]:
    """Name the model's class and function in an error raised within the block."""
    try:
        yield
    except _RAISED_AS_THEY_ARE:
        raise
    except Exception as error:  # a user's own code may raise anything
        said = f"{type(error).__name__}: {first_line(error)}"
        raise InvalidModelOutput(f"{type(model).__name__}.{function}: {said}") from error
