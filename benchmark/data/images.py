"""Decoding and downscaling of photographs and renderings to small uint8 arrays, in parallel."""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.archives import Member, opened
from benchmark.data.dataset import Block
from benchmark.errors import UserError

SIZE = 64
RESIZING = "Pillow's antialiased bilinear"
_LARGEST = 16 << 20  # bytes of one encoded image; chairs and portraits have about a hundredth of this
_BLOCK = 512  # images; only their 64 x 64 versions are held together, never the decoded originals

# Pillow only warns about moderate decompression bombs. Set globally, because `warnings.catch_warnings` is not
# thread-safe.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def centre_crop(encoded: bytes, name: str, expected: tuple[int, int], crop: int, mode: str) -> NDArray[np.uint8]:
    """Decode a PNG or JPEG and downscale its centre.

    Args:
        encoded: The file's content.
        name: Name of the image in error messages.
        expected: Required (width, height) in pixels.
        crop: Side length of the central square that is kept, in pixels.
        mode: Mode of Pillow: "L" for grey, "RGB" for colour.

    Returns:
        uint8 (C, 64, 64), C = 1 or 3.

    Raises:
        UserError: It is not a readable image, or has another size.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            if image.size != expected:
                raise UserError(f"{name}: is {image.width} x {image.height}, not {expected[0]} x {expected[1]} pixels")
            left, top = (image.width - crop) // 2, (image.height - crop) // 2
            small = opaque(image.crop((left, top, left + crop, top + crop))).convert(mode)
            pixels = np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BILINEAR), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: is not a readable image ({type(error).__name__})") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def decoded_blocks(
    names: Sequence[str], read: Callable[[int], bytes], expected: tuple[int, int], crop: int, mode: str
) -> Iterator[Block]:
    """Yield `centre_crop` of every image in order, in blocks.

    Args:
        names: Name of each image in error messages.
        read: Returns the content of an image given its index; called in order, from one thread.
        expected: As for `centre_crop`.
        crop: As for `centre_crop`.
        mode: As for `centre_crop`.
    """
    decode = partial(centre_crop, expected=expected, crop=crop, mode=mode)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow releases the interpreter's lock while decoding
        for start in range(0, len(names), _BLOCK):
            rows = range(start, min(start + _BLOCK, len(names)))
            encoded = [read(row) for row in rows]
            yield slice(rows.start, rows.stop), np.stack(list(pool.map(decode, encoded, names[start : rows.stop])))


def member_blocks(
    path: Path, members: Sequence[Member], expected: tuple[int, int], crop: int, mode: str
) -> Iterator[Block]:
    """Yield `centre_crop` of files in a folder or archive, in blocks, in the order in which they are stored.

    Args:
        path: The folder or archive.
        members: The file of each row of the data set.
        expected: As for `centre_crop`.
        crop: As for `centre_crop`.
        mode: As for `centre_crop`.

    Raises:
        UserError: A file is damaged or too large.
    """
    for member in members:
        if not 0 <= member.size <= _LARGEST:  # a negative size would read the whole archive
            raise UserError(f"{path}: {member.name} has {member.size} bytes, which is impossible for such an image")
    rows = np.array(sorted(range(len(members)), key=lambda row: members[row].place))
    stored = [members[row] for row in rows]
    names = [f"{path}: {member.name}" for member in stored]
    with opened(path) as read:
        for block, images in decoded_blocks(names, lambda n: read(stored[n]), expected, crop, mode):
            yield rows[block], images


def opaque(image: Image.Image) -> Image.Image:
    """Put an image with transparent parts on a white background."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
