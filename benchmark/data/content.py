"""Checks of a data set's content: whether its pixels are plausible, and whether it is a known complete data set."""

import hashlib
from collections.abc import Mapping

import numpy as np

from benchmark.data.dataset import array_blocks
from benchmark.errors import UserError

_DIM = 64  # a data set without a pixel of at least this brightness may not be scaled to 0..255

# Name -> `split_digest` of the training and test images of the complete data set, at the size that networks see.
# MNIST and Fashion-MNIST: computed from arrays whose idx files have the MD5 published for the unpacked originals (train
# images 6bbc9ace898e44ae57da46a324031adb and f4a8712d7a061bf5bd6d2ca38dc4d50a, test images
# 2646ac647ad5339dbf082846283269ea and 8181f5470baa50b63fa0f6fddb340f0a; the labels' agree too). CIFAR-10: computed from
# a lossless copy in a different order from the official one, to which the published MD5 does not apply. Its 5,000 and
# 1,000 images per class are as published, and so are the training images' mean (0.49139968, 0.48215841, 0.44653091) and
# standard deviation (0.24703223, 0.24348513, 0.26158784) per channel, to every digit.
KNOWN: Mapping[str, tuple[str, str]] = {
    "mnist": (
        "d15683b1cc19741f05396bd41d6b1b52c226b80c26084b952a022671fde895e5",
        "6b9d5bf6dda40eb2858678aba21fdd61f6ad95271477ea0ae9072a8d9493c792",
    ),
    "fashion_mnist": (
        "06fb71e53f56097a00995eeedfc9932893a0d62c8a59234e2b6e746fb866f5be",
        "4e7a41a38318949d013fa1ad4c634c8a8949ef2b13477d22c540fb13b9dfdb52",
    ),
    "cifar10": (
        "1195f442362167ebcd5a35e348aaaabb4065dcf0abe432f959be61d70d4968f2",
        "77607e1cd43d23381060104a0e869a7ff871ec37fee871f4e3b3ac800f4c3cfd",
    ),
}


def is_known(name: str, images: np.ndarray, labels: np.ndarray | None, n_train: int) -> bool:
    """Return whether images and labels are those of the complete data set `name`, in any order within each split.

    Args:
        name: Name of the data set.
        images: uint8 (N, C, S, S), training images first.
        labels: int (N,); None if there are no labels.
        n_train: Number of training images.
    """
    if name not in KNOWN or labels is None:
        return False
    parts = slice(n_train), slice(n_train, None)
    return KNOWN[name] == tuple(split_digest(images[part], labels[part]) for part in parts)


def split_digest(images: np.ndarray, labels: np.ndarray) -> str:
    """Hash a split independently of the order of its images.

    Args:
        images: uint8 (n, C, S, S).
        labels: (n,).

    Returns:
        SHA-256, as hexadecimal text, of the sorted SHA-256 of each image with its label.
    """
    each = (
        hashlib.sha256(image.tobytes() + label.tobytes()).digest()
        for image, label in zip(images, labels.astype("<i8"), strict=True)
    )
    return hashlib.sha256(b"".join(sorted(each))).hexdigest()


def check_pixels(source: str, images: np.ndarray, n_train: int) -> tuple[str, ...]:
    """Check that pixels are plausible, reading only as many as necessary.

    Args:
        source: Name of the images in error messages.
        images: uint8 (N, C, S, S), training images first.
        n_train: Number of training images.

    Returns:
        Remarks for the user about unusual images, one per line.

    Raises:
        UserError: The images of a split are not scaled to 0..255, or are all identical.
    """
    brightest = []
    for split, part in (("training", images[:n_train]), ("test", images[n_train:])):
        brightest.append(_brightest(part))
        if brightest[-1] == 1:
            raise UserError(
                f"{source}: its {split} images have only the values 0 and 1, almost black on the scale of 0 to 255; "
                "multiply them by 255 (before converting them to uint8)"
            )
        if _all_the_same(part) and (len(part) > 1 or not brightest[-1]):
            what = "to learn from" if split == "training" else "to score"
            raise UserError(f"{source}: its {split} images are all identical, so there is nothing {what}")
    dim = f"its brightest pixel is {max(brightest)} of 255; scale the images to 0..255 unless they really are that dark"
    return (dim,) if max(brightest) < _DIM else ()


def _brightest(images: np.ndarray) -> int:
    """Return the largest pixel, or the maximum of the first blocks if that reaches _DIM."""
    brightest = 0
    for _, block in array_blocks(images):
        brightest = max(brightest, int(block.max()))
        if brightest >= _DIM:
            break
    return brightest


def _all_the_same(images: np.ndarray) -> bool:
    return all((block == images[0]).all() for _, block in array_blocks(images))
