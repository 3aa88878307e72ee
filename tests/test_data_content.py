"""What a set's content tells: a complete set wherever its images came from, and pixels that cannot be."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from benchmark.commands.own_datasets import data_facts
from benchmark.data import content
from benchmark.data.content import KNOWN, check_pixels, split_digest
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.studies.grid import DataOptions, Selection, build_grid
from benchmark.studies.named_studies import STUDIES

N_TRAIN, N_TEST = 50, 10
RNG = np.random.default_rng(0)
ARRAYS = {
    "x_train": RNG.integers(0, 256, (N_TRAIN, 28, 28), dtype=np.uint8),
    "y_train": (np.arange(N_TRAIN) % 10).astype(np.uint8),
    "x_test": RNG.integers(0, 256, (N_TEST, 28, 28), dtype=np.uint8),
    "y_test": np.arange(N_TEST).astype(np.uint8),
}


def by_hand(images: np.ndarray, labels: np.ndarray) -> str:
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    each = [
        hashlib.sha256(image.tobytes() + int(label).to_bytes(8, "little")).digest()
        for image, label in zip(padded, labels, strict=True)
    ]
    return hashlib.sha256(b"".join(sorted(each))).hexdigest()


@pytest.fixture
def known(monkeypatch):
    """ARRAYS are the complete MNIST."""
    monkeypatch.setitem(DATASETS, "mnist", replace(DATASETS["mnist"], n_train=N_TRAIN, n_test=N_TEST))
    digests = tuple(by_hand(ARRAYS[f"x_{part}"], ARRAYS[f"y_{part}"]) for part in ("train", "test"))
    monkeypatch.setattr(content, "KNOWN", {"mnist": digests})


def save_npz(folder, arrays) -> None:
    np.savez(folder / "mnist.npz", **arrays)


def save_idx(folder, arrays) -> None:
    raw = folder / "torchvision" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for name, array in zip(names, (arrays[key] for key in ARRAYS), strict=True):
        lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
        (raw / f"{name}-ubyte").write_bytes(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes())


def shuffled() -> dict[str, np.ndarray]:
    train, test = RNG.permutation(N_TRAIN), RNG.permutation(N_TEST)
    return {key: array[train if "train" in key else test] for key, array in ARRAYS.items()}


def larger() -> dict[str, np.ndarray]:
    pad = ((0, 0), (2, 2), (2, 2))
    return ARRAYS | {key: np.pad(ARRAYS[key], pad) for key in ("x_train", "x_test")}


@pytest.mark.parametrize("save", [save_npz, save_idx])
@pytest.mark.parametrize("arrays", [lambda: ARRAYS, shuffled])
def test_the_complete_set_is_known_from_any_file_and_in_any_order(known, tmp_path, save, arrays):
    save(tmp_path, arrays())
    for _ in range(2):  # prepared, and read again
        data = load_dataset("mnist", tmp_path, offline=True)
        assert (data.verified, data.subset) == (True, False)


def test_a_border_of_zeros_makes_no_difference(known, tmp_path):
    save_npz(tmp_path, larger())
    assert load_dataset("mnist", tmp_path).verified


def one_pixel(arrays) -> None:
    arrays["x_train"][3, 5, 5] ^= 1


def one_label(arrays) -> None:
    arrays["y_test"][4] ^= 1


def exchanged_labels(arrays) -> None:
    arrays["y_train"][[0, 1]] = arrays["y_train"][[1, 0]]


def exchanged_between_splits(arrays) -> None:
    for key in "xy":
        first = arrays[f"{key}_train"][0].copy()
        arrays[f"{key}_train"][0], arrays[f"{key}_test"][0] = arrays[f"{key}_test"][0], first
    arrays["y_test"][0] = ARRAYS["y_train"][0]


def twice(arrays) -> None:
    arrays["x_train"][1], arrays["y_train"][1] = arrays["x_train"][0], arrays["y_train"][0]


@pytest.mark.parametrize("save", [save_npz, save_idx])
@pytest.mark.parametrize("change", [one_pixel, one_label, exchanged_labels, exchanged_between_splits, twice])
def test_as_many_images_of_another_content_are_unverified(known, tmp_path, save, change):
    arrays = {key: array.copy() for key, array in ARRAYS.items()}
    change(arrays)
    save(tmp_path, arrays)
    data = load_dataset("mnist", tmp_path, offline=True)
    assert (data.verified, data.subset) == (False, False)


def test_a_set_under_anothers_name_and_a_users_own_are_not_known(known, tmp_path):
    for name in ("fashion_mnist", "mine"):
        np.savez(tmp_path / f"{name}.npz", **ARRAYS)
        assert not load_dataset(name, tmp_path).verified


def test_unverified_is_said_of_the_data_at_hand_and_in_the_manifest(known, tmp_path):
    save_npz(tmp_path, ARRAYS | {"x_test": ARRAYS["x_train"][:N_TEST]})
    np.savez(tmp_path / "mine.npz", x=ARRAYS["x_train"], y=ARRAYS["y_train"])
    study = replace(STUDIES["laptop"], seeds=1)
    options = DataOptions.of(study, tmp_path, offline=True)
    chosen = Selection.parse("dataset=mnist,dataset=mine,method=vae,table=2")
    grid = build_grid(study, chosen, options, "cpu", lambda line: None)
    assert grid.manifest().marks == {"mnist": ("unverified",), "mine": ()}
    assert data_facts(grid) == [
        "mine: 40 training and 10 test images; last tenth of every class held out as test",
        "mnist [unverified]: not shown to be the published images, because no known digest or published "
        "checksum matched",
    ]


def test_the_known_digests_are_of_registered_sets_with_labels():
    assert set(KNOWN) == {name for name, spec in DATASETS.items() if spec.has_labels}
    assert all(len(digest) == 64 and int(digest, 16) for digests in KNOWN.values() for digest in digests)
    assert len({digest for digests in KNOWN.values() for digest in digests}) == 6


def test_a_digest_is_that_of_each_image_with_its_label():
    images = ARRAYS["x_train"]
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None]
    assert split_digest(padded, ARRAYS["y_train"].astype(np.int64)) == by_hand(images, ARRAYS["y_train"])


@pytest.mark.parametrize(("brightest", "said"), [(2, True), (16, True), (63, True), (64, False), (255, False)])
def test_dim_pixels_are_told(brightest, said):
    images = RNG.integers(0, 2, (20, 1, 32, 32), dtype=np.uint8)
    images[-1, 0, 3, 3] = images[0, 0, 3, 3] = brightest
    remarks = check_pixels("mine.npz", images, 10)
    assert [f"brightest pixel is {brightest} of 255" in remark for remark in remarks] == [True] * said


def test_pixels_are_checked_in_both_splits_and_of_every_source():
    whole = RNG.integers(0, 256, (20, 1, 32, 32), dtype=np.uint8)
    for rows, split in ((slice(10), "training"), (slice(10, None), "test")):
        binary, same = whole.copy(), whole.copy()
        binary[rows] %= 2
        same[rows] = whole[0]
        with pytest.raises(
            UserError, match=f"^torchvision MNIST: its {split} images have only the values 0 and 1.*by 255"
        ):
            check_pixels("torchvision MNIST", binary, 10)
        with pytest.raises(UserError, match=f"^a: its {split} images are all identical"):
            check_pixels("a", same, 10)
    assert check_pixels("a", whole[:11], 10) == ()  # one test image is the same as itself
