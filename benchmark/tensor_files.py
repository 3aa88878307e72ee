"""Writing of safetensors files."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from benchmark.files import written_whole


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to a file, completely or not at all, for all who may read its folder.

    Args:
        path: The file; its folder is created.
        tensors: The tensors by name, on any device.
        metadata: Texts to write with them.

    Raises:
        OSError: The file cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with written_whole(path) as part:
        try:
            save_file(plain, part, None if metadata is None else dict(metadata))
        except SafetensorError as error:  # it has the system's error number only in its text
            number = re.search(r"\(os error (\d+)\)", str(error))
            raise (OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))) from error
        part.chmod(path.parent.stat().st_mode & 0o666)  # safetensors makes files readable only by their owner
