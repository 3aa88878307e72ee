"""Decoding and downscaling of photographs and renderings to small uint8 arrays, many at once."""

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
_LARGEST = 16 << 20  # bytes of one encoded image; a rendering of a chair or a portrait has a hundredth of that
_BLOCK = 512  # images; a block of decoded originals never exists, only their 64 x 64 versions

# Pillow only warns of moderate decompression bombs. Set once: `warnings.catch_warnings` is not safe among threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def centre_crop(encoded: bytes, name: str, expected: tuple[int, int], crop: int, mode: str) -> NDArray[np.uint8]:
    """Decode a PNG or JPEG, and scale its centre down.

    Args:
        encoded: The file's content.
        name: What an error calls the image.
        expected: (width, height) in pixels that it must have.
        crop: Side of the central square that is kept, in pixels.
        mode: Pillow's: "L" for grey, "RGB" for colour.

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
        raise UserError(f"{name}: is no readable image ({type(error).__name__})") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def decoded_blocks(
    names: Sequence[str], read: Callable[[int], bytes], expected: tuple[int, int], crop: int, mode: str
) -> Iterator[Block]:
    """Yield `centre_crop` of every image in order, in blocks.

    Args:
        names: What an error calls each image.
        read: Returns the content of an image by its number; called from one thread, in order.
        expected: As for `centre_crop`, like `crop` and `mode`.
        crop: See `expected`.
        mode: See `expected`.
    """
    decode = partial(centre_crop, expected=expected, crop=crop, mode=mode)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
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
        expected: As for `centre_crop`, like `crop` and `mode`.
        crop: See `expected`.
        mode: See `expected`.

    Raises:
        UserError: A file is damaged, or too large to be such an image.
    """
    for member in members:
        if not 0 <= member.size <= _LARGEST:  # less than 0 would read the whole archive
            raise UserError(f"{path}: {member.name} has {member.size} bytes, which no such image has")
    rows = np.array(sorted(range(len(members)), key=lambda row: members[row].place))
    stored = [members[row] for row in rows]
    names = [f"{path}: {member.name}" for member in stored]
    with opened(path) as read:
        for block, images in decoded_blocks(names, lambda n: read(stored[n]), expected, crop, mode):
            yield rows[block], images


def opaque(image: Image.Image) -> Image.Image:
    """Put an image on white, where it has transparent parts."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
