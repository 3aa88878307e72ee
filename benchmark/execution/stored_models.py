"""Reloading of trained trials: the model from its checkpoint, and the images it was trained on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.data.dataset import Dataset
from benchmark.errors import DataUnavailable, UserError
from benchmark.execution.evaluate_trial import matches_this_code
from benchmark.fields import NONE, Check, fields, invalid_field, is_number, is_text, list_of, object_of, whole
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.registry import build_model
from benchmark.results.records import Identity, Json
from benchmark.studies.grid import DataOptions
from benchmark.text import short_message
from benchmark.training.checkpoints import load_checkpoint
from models.base import ImageAutoencoder
from models.sizes import STRIDES

Images = Callable[[Identity], Dataset]


def _is_image_shape(*sizes: int) -> bool:
    return len(sizes) == 3 and sizes[1] == sizes[2] and sizes[1] in STRIDES


_OF_A_MODEL: Mapping[str, Check] = {
    "method": is_text,
    "latent_dim": whole(1),
    "seed": whole(),
    "settings": object_of(lambda value: True),
    "training": fields({"width": lambda width: is_number(width) and width > 0}),
    "data": fields({"image_shape": lambda shape: list_of(whole(1))(shape) and _is_image_shape(*shape)}),
}
_IF_THERE: Mapping[str, Check] = {"warm_start": fields({"method": is_text, "method_revision": whole()})}
_OF_IMAGES: Mapping[str, Check] = {
    "data": fields(
        {"name": is_text, "kind": is_text, "split": is_text, "n_train": whole(1), "n_test": whole(1), "digest": is_text}
    )
}


class NotAvailable(Exception):
    """A trial's model or images are unavailable; the message says why, in one line."""


def stored_model(identity: Identity, checkpoint: Path) -> ImageAutoencoder:
    """Load a trial's trained model.

    Args:
        identity: The trial's identity.
        checkpoint: The trial's checkpoint file.

    Returns:
        The model, on the CPU and in eval mode.

    Raises:
        NotAvailable: The method, this revision of it or the checkpoint is not available, or no model can be built from
            the identity.
    """
    _check(identity, _OF_A_MODEL, _IF_THERE)
    method = ALL_METHODS.get(identity.method)
    if method is None:
        raise NotAvailable(
            "not a method of this version; a method from a file needs --method-file (in Python: load(PATH, FILE))"
        )
    if not matches_this_code(identity):
        raise NotAvailable("trained by another revision of the code")
    shape, width = tuple(identity.data["image_shape"]), identity.training["width"]
    try:
        model: ImageAutoencoder = build_model(
            method, identity.settings, shape, identity.latent_dim, width, identity.seed
        )
        load_checkpoint(model, checkpoint, identity.plain)
    except (UserError, ValueError, TypeError, RuntimeError) as error:  # including sizes too large for memory
        raise NotAvailable(short_message(error)) from error
    model.eval()
    return model


def images_in(data_dir: Path, offline: bool) -> Images:
    """Make a loader of images from a data folder.

    Args:
        data_dir: The data folder.
        offline: Whether downloading is forbidden.

    Returns:
        A function from a trial's identity to its images, verified by their digest. It loads each data set only once,
        and raises NotAvailable if the images are not available.
    """
    loaded: dict[tuple[Any, ...], Dataset] = {}

    def load(identity: Identity) -> Dataset:
        _check(identity, _OF_IMAGES)
        data = identity.data
        reason = f"{data['name']}: the available images are not those of the trials (their digest differs)"
        for images in possible_images(data):
            asked = (data["name"], images, data["split"], data["n_train"], data["n_test"])
            try:
                if asked not in loaded:
                    name, *how = asked
                    loaded[asked] = DataOptions(data_dir, offline, *how).load(name)
                if loaded[asked].digest == data["digest"]:
                    return loaded[asked]
            except (DataUnavailable, UserError) as error:
                reason = short_message(error)
        raise NotAvailable(reason)

    return load


def possible_images(data: Json) -> tuple[str, ...]:
    """Return which of `benchmark.data.specs.IMAGES` a trial may have used; their digest decides between several.

    Args:
        data: The description of the images in the trial's identity.
    """
    if data["kind"] == "procedural":
        return ("drawn",)
    return ("installed", "real") if data["name"] == "mnist" and data.get("subset") else ("real",)


def _check(identity: Identity, needed: Mapping[str, Check], optional: Mapping[str, Check] = NONE) -> None:
    if unfit := invalid_field(identity.plain, needed, optional):
        raise NotAvailable(f"its identity has no usable field {unfit!r}")
