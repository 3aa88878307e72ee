"""Checks of a data set's content: whether its pixels can be images, and whether it is a known complete set."""

import hashlib
from collections.abc import Mapping

import numpy as np

from benchmark.data.dataset import array_blocks
from benchmark.errors import UserError

_DIM = 64  # a set without any pixel as bright as this may be on another scale than 0..255

# name -> `split_digest` of the training and of the test images of the complete set, at the side that networks see.
# MNIST and Fashion-MNIST: from arrays whose idx files have the MD5 that are published of the unpacked originals (train
# images 6bbc9ace898e44ae57da46a324031adb and f4a8712d7a061bf5bd6d2ca38dc4d50a, test images
# 2646ac647ad5339dbf082846283269ea and 8181f5470baa50b63fa0f6fddb340f0a; the labels' agree, too). CIFAR-10: from a
# lossless copy in another order than the official one, so that the published MD5 cannot be held to it; its 5,000 and
# 1,000 images a class are as published, and so are the training images' mean (0.49139968, 0.48215841, 0.44653091) and
# standard deviation (0.24703223, 0.24348513, 0.26158784) a channel, to every digit.
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
    """Tell whether images and labels are those of the complete set `name`, in any order within each split.

    Args:
        name: The data set.
        images: uint8 (N, C, S, S), training images first.
        labels: (N,).
        n_train: How many are training images.
    """
    if name not in KNOWN or labels is None:
        return False
    parts = slice(n_train), slice(n_train, None)
    return KNOWN[name] == tuple(split_digest(images[part], labels[part]) for part in parts)


def split_digest(images: np.ndarray, labels: np.ndarray) -> str:
    """Hash a split so that the order of its images does not matter.

    Args:
        images: uint8 (n, C, S, S).
        labels: (n,).

    Returns:
        SHA-256, in hex, over the sorted SHA-256 of each image with its label.
    """
    each = (
        hashlib.sha256(image.tobytes() + label.tobytes()).digest()
        for image, label in zip(images, labels.astype("<i8"), strict=True)
    )
    return hashlib.sha256(b"".join(sorted(each))).hexdigest()


def check_pixels(source: str, images: np.ndarray, n_train: int) -> tuple[str, ...]:
    """Check that pixels can be images, reading no more of them than that needs.

    Args:
        source: What an error calls the images.
        images: uint8 (N, C, S, S), training images first.
        n_train: How many are training images.

    Returns:
        Remarks for the user on unusual images, one per line.

    Raises:
        UserError: The images of a split are on another scale than 0..255, or all the same.
    """
    brightest = []
    for split, part in (("training", images[:n_train]), ("test", images[n_train:])):
        brightest.append(_brightest(part))
        if brightest[-1] == 1:
            raise UserError(
                f"{source}: its {split} images hold only 0 and 1, which of 0 to 255 are almost black; multiply them "
                "by 255 (before they become uint8)"
            )
        if _all_the_same(part) and (len(part) > 1 or not brightest[-1]):
            what = "to learn from" if split == "training" else "to score"
            raise UserError(f"{source}: its {split} images are all the same, so that there is nothing {what}")
    dim = f"its brightest pixel is {max(brightest)} of 255; scale the images to 0..255 unless they are so dark"
    return (dim,) if max(brightest) < _DIM else ()


def _brightest(images: np.ndarray) -> int:
    """The largest pixel, or one that is not dim."""
    brightest = 0
    for _, block in array_blocks(images):
        brightest = max(brightest, int(block.max()))
        if brightest >= _DIM:
            break
    return brightest


def _all_the_same(images: np.ndarray) -> bool:
    return all((block == images[0]).all() for _, block in array_blocks(images))
