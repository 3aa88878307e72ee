"""The registry of data sets: their required form, and the size of their downloads."""

import re
from dataclasses import dataclass

from benchmark.errors import UserError

# Images of a study: the data sets' own, procedural, or the digits of `benchmark.data.installed_digits`.
IMAGES = ("real", "drawn", "installed")
SIDES = {28: 32, 32: 32, 64: 64}  # side of images in a file -> side that networks see (28 is zero-padded)


@dataclass(frozen=True)
class DatasetSpec:
    """Properties of a data set known before its files are read; for a user's own data set, only its names.

    Attributes:
        name: Name in code, options and records.
        label: Name in tables and figures.
        npz: Name of its .npz file in the data folder.
        has_labels: Whether it must have labels.
        n_classes: Number of classes; None for any.
        download_bytes: Approximate size of the download, as announced by the servers; None if unknown.
        url: The first URL to download from; None if it cannot be downloaded.
        advice: Which other files may be put where, for the message about missing files.
    """

    name: str
    label: str
    npz: str
    has_labels: bool = False
    n_classes: int | None = None
    download_bytes: int | None = None
    url: str | None = None
    advice: str = ""

    @property
    def remedy(self) -> str:
        """What a user without the data set can do."""
        return f"put {' or '.join(filter(None, (self.npz, self.advice)))} into the data folder (--data-dir)"


@dataclass(frozen=True, kw_only=True)
class RegisteredSpec(DatasetSpec):
    """A registered data set, whose size and shape are known.

    Attributes:
        n_train: Number of images in the complete training split.
        n_test: Number of images in the complete test split.
        channels: 1 or 3.
        size: Side in pixels of the square images that networks see.
        npz_images: Number of images in a complete .npz file with one array; None if it is n_train + n_test.
    """

    n_train: int
    n_test: int
    channels: int
    size: int
    npz_images: int | None = None

    @property
    def prepared_bytes(self) -> int:
        """Size of the prepared copy in bytes."""
        return (self.n_train + self.n_test) * self.channels * self.size * self.size

    @property
    def complete_images(self) -> int:
        """Number of images in a complete .npz file with one array."""
        return self.n_train + self.n_test if self.npz_images is None else self.npz_images


CHAIRS_URL = "https://www.di.ens.fr/willow/research/seeing3Dchairs/data/rendered_chairs.tar"

DATASETS: dict[str, RegisteredSpec] = {
    spec.name: spec
    for spec in (
        RegisteredSpec(
            "mnist",
            "MNIST",
            "mnist.npz",
            n_train=60_000,
            n_test=10_000,
            channels=1,
            size=32,
            has_labels=True,
            n_classes=10,
            download_bytes=11_594_722,
            url="https://ossci-datasets.s3.amazonaws.com/mnist/",
            advice="the four *-ubyte files, packed (.gz) or not",
        ),
        RegisteredSpec(
            "fashion_mnist",
            "Fashion-MNIST",
            "fashion_mnist.npz",
            n_train=60_000,
            n_test=10_000,
            channels=1,
            size=32,
            has_labels=True,
            n_classes=10,
            download_bytes=30_878_645,
            url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            advice="the four *-ubyte files, packed (.gz) or not, in FashionMNIST/raw/ or fashion-mnist/",
        ),
        RegisteredSpec(
            "cifar10",
            "CIFAR-10",
            "cifar10.npz",
            n_train=50_000,
            n_test=10_000,
            channels=3,
            size=32,
            has_labels=True,
            n_classes=10,
            download_bytes=170_498_071,
            url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            advice="cifar-10-python.tar.gz or the folder cifar-10-batches-py",
        ),
        RegisteredSpec(
            "celeba",
            "CelebA",
            "celeba64.npz",
            n_train=162_770,
            n_test=19_962,
            channels=3,
            size=64,
            npz_images=202_599,
            download_bytes=1_446_327_224,
            url="https://drive.google.com/ (the address of each file is in torchvision.datasets.CelebA)",
            advice="img_align_celeba.zip or the folder of that name, with list_eval_partition.txt",
        ),
        RegisteredSpec(
            "chairs",
            "3D Chairs",
            "chairs64.npz",
            n_train=1_254 * 62,
            n_test=139 * 62,
            channels=1,
            size=64,
            url=CHAIRS_URL,
            advice=f"rendered_chairs.tar ({CHAIRS_URL}) or the folder rendered_chairs",
        ),
    )
}

_OWN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


def spec_for(name: str) -> DatasetSpec:
    """Return the spec of a registered data set, or a generic one for a user's own (`mine` -> mine.npz).

    Raises:
        UserError: The name is not a plain file name, or is a misspelling of a registered name.
    """
    if name in DATASETS:
        return DATASETS[name]
    for spec in DATASETS.values():
        if _plain(name) in map(_plain, (spec.name, spec.npz.removesuffix(".npz"), spec.label)):
            raise UserError(f"dataset {name!r}: {spec.label} is called {spec.name!r} here")
    if not _OWN_NAME.match(name):
        raise UserError(f"dataset {name!r}: a name is made of letters, digits, '_' and '-' (it names a .npz file)")
    return DatasetSpec(name, name, f"{name}.npz")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
