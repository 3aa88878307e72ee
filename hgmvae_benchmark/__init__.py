"""The programming interface of the HGMVAE benchmark: `load` opens a trained model.

The command line is `hgmvae-benchmark`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.base import ImageAutoencoder

__all__ = ["load"]


def load(checkpoint: str | Path, method_file: str | Path | None = None) -> "ImageAutoencoder":
    """Open a trained model from its checkpoint file alone.

    The file states the method, settings and image shape, which are checked against this version's code. B, C, S and d
    below are the number of images, channels, side length in pixels and latent dimension.

    Args:
        checkpoint: A file `checkpoints/KEY.safetensors` of a results folder; it may have been renamed or moved.
        method_file: The Python file that defines the method, if it is one of the user's own (`--method-file`). The file
            is executed.

    Returns:
        The model on the CPU, in eval mode, with float32 weights. `embed(images)` maps images (B, C, S, S) in [0, 1] to
        codes (B, d), `decode(codes)` codes to images (B, C, S, S) in (0, 1), `reconstruct(images)` images to images,
        and `sample(n)` draws n images (n, C, S, S) from the prior.

    Raises:
        UserError: The file is not a checkpoint of this version, or the method file cannot be used. The message is one
            line that names the file.
    """
    path = Path(checkpoint)
    with _environment_kept():
        from benchmark.errors import UserError
        from benchmark.execution.stored_models import NotAvailable, stored_model
        from benchmark.methods.method_file import add_methods
        from benchmark.results.records import Identity
        from benchmark.text import short_message
        from benchmark.training.checkpoints import read_identity

        if method_file is not None:
            add_methods([Path(method_file)])
    try:
        return stored_model(Identity.parse(read_identity(path)), path)
    except (NotAvailable, KeyError) as error:
        reason = f"its identity has no {error}" if isinstance(error, KeyError) else short_message(error)
        raise UserError(f"{path}: cannot be opened ({reason})") from error


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Restore the caller's environment variables after the suite's modules were imported within the block.

    The modules set variables for the processes of a study, and load matplotlib with its own defaults unless it is
    already loaded.
    """
    import matplotlib  # noqa: F401

    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
