"""The registry of data sets: what each must look like, and what fetching it would cost."""

import re
from dataclasses import dataclass

from benchmark.errors import UserError

SIDES = {28: 32, 32: 32, 64: 64}  # side of the images in a file -> side the networks see (28 is zero-padded)


@dataclass(frozen=True)
class DatasetSpec:
    """What is known of a data set before any of its files has been read; None = anything goes (a user's own)."""

    name: str
    label: str
    npz: str  # file name in the data folder
    n_train: int | None = None
    n_test: int | None = None
    channels: int | None = None
    size: int | None = None  # side of the square images the networks see
    has_labels: bool = False
    n_classes: int | None = None
    npz_images: int | None = None  # images of a complete npz, where it is not n_train + n_test
    download_bytes: int | None = None  # about; what the servers announced when this was written
    url: str | None = None  # the first address that a download would ask
    advice: str = ""  # which files may be put where, for the line that says what is missing

    @property
    def prepared_bytes(self) -> int:
        """Size of the prepared copy of a registered set."""
        return (self.n_train + self.n_test) * self.channels * self.size**2

    @property
    def remedy(self) -> str:
        """What a user who lacks the set can do."""
        return f"put {' or '.join(filter(None, (self.npz, self.advice)))} into the data folder (--data-dir)"

    @property
    def complete_images(self) -> int | None:
        """Images of a complete npz file."""
        if self.npz_images is not None or self.n_train is None:
            return self.npz_images
        return self.n_train + self.n_test


CHAIRS_URL = "https://www.di.ens.fr/willow/research/seeing3Dchairs/data/rendered_chairs.tar"

DATASETS = {
    spec.name: spec
    for spec in (
        DatasetSpec(
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
        DatasetSpec(
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
        DatasetSpec(
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
        DatasetSpec(
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
        DatasetSpec(
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
    """The spec of a registered name, or an open one for a user's own (`mine` -> mine.npz).

    Raises UserError for a name that is no plain file name or that a registered set could be mistaken for.
    """
    if name in DATASETS:
        return DATASETS[name]
    plain = name.lower().replace("-", "_")
    for spec in DATASETS.values():
        if plain in (spec.name, spec.npz.removesuffix(".npz")) or name.lower() == spec.label.lower():
            raise UserError(f"dataset {name!r}: {spec.label} is called {spec.name!r} here")
    if not _OWN_NAME.match(name):
        raise UserError(f"dataset {name!r}: a name is made of letters, digits, '_' and '-' (it names a .npz file)")
    return DatasetSpec(name, name, f"{name}.npz")
