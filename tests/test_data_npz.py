"""A user's .npz: what is accepted, how it is split and padded, and the one line for everything else."""

import numpy as np
import pytest

from benchmark.data import npz
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS, spec_for
from benchmark.errors import DataUnavailable, UserError


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def split_arrays(n_train: int = 30, n_test: int = 10, *shape: int) -> dict[str, np.ndarray]:
    shape = shape or (28, 28)
    return {
        "x_train": images(n_train, *shape),
        "y_train": np.arange(n_train, dtype=np.uint8) % 10,
        "x_test": images(n_test, *shape, seed=1),
        "y_test": np.arange(n_test, dtype=np.uint8) % 10,
    }


def test_small_images_get_a_border_of_zeros_and_keep_order_and_labels(tmp_path):
    arrays = split_arrays()
    np.savez(tmp_path / "mnist.npz", **arrays)
    data = load_dataset("mnist", tmp_path)
    assert data.images.shape == (40, 1, 32, 32) and data.images.dtype == np.uint8
    assert (data.n_train, data.n_test, data.image_shape) == (30, 10, (1, 32, 32))
    np.testing.assert_array_equal(data.x_train[:, 0, 2:30, 2:30], arrays["x_train"])
    np.testing.assert_array_equal(data.x_test[:, 0, 2:30, 2:30], arrays["x_test"])
    total = arrays["x_train"].sum(dtype=int) + arrays["x_test"].sum(dtype=int)
    assert data.images.sum(dtype=int) == total  # nothing but zeros around them
    np.testing.assert_array_equal(data.y_train, arrays["y_train"])
    np.testing.assert_array_equal(data.y_test, arrays["y_test"])
    assert data.labels.dtype == np.int64
    assert (data.kind, data.subset, data.source) == ("real", True, "mnist.npz")


def test_channels_move_to_the_front(tmp_path):
    arrays = split_arrays(20, 10, 32, 32, 3)
    np.savez(tmp_path / "cifar10.npz", **arrays)
    data = load_dataset("cifar10", tmp_path)
    np.testing.assert_array_equal(data.x_test.transpose(0, 2, 3, 1), arrays["x_test"])


@pytest.mark.parametrize(("n", "n_test"), [(100, 10), (25, 2), (7, 1), (2, 1)])
def test_one_array_without_labels_holds_out_its_last_tenth(tmp_path, n, n_test):
    x = images(n, 64, 64, 3)
    np.savez(tmp_path / "mine.npz", x=x)
    data = load_dataset("mine", tmp_path)
    assert (data.n_train, data.n_test, data.subset) == (n - n_test, n_test, False)
    np.testing.assert_array_equal(data.x_test.transpose(0, 2, 3, 1), x[-n_test:])
    assert data.labels is None and data.split == "last tenth held out as test"


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_one_array_with_labels_holds_out_the_last_tenth_of_every_class(tmp_path, order):
    y = np.repeat([7, 3, 5, 1, 9], [20, 35, 2, 1, 12])  # a tenth: 2, 3, at least 1, none of a single one, 1
    y = y if order == "sorted" else np.random.default_rng(0).permutation(y)
    x = images(70, 32, 32)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    data = load_dataset("mine", tmp_path)
    held = sorted(row for label, n in ((7, 2), (3, 3), (5, 1), (9, 1)) for row in np.flatnonzero(y == label)[-n:])
    kept = [row for row in range(70) if row not in held]
    assert (data.n_train, data.n_test) == (63, 7) and data.split == "last tenth of every class held out as test"
    np.testing.assert_array_equal(data.images[:, 0], x[kept + held])
    np.testing.assert_array_equal(data.labels, y[kept + held])
    assert set(data.y_test) <= set(data.y_train) == {1, 3, 5, 7, 9}


def test_the_split_of_labelled_images_depends_on_their_labels_alone(tmp_path):
    (tmp_path / "a").mkdir()
    y = np.random.default_rng(1).integers(0, 4, 50)
    for folder, name, seed in ((tmp_path, "mine", 0), (tmp_path / "a", "yours", 1)):
        np.savez(folder / f"{name}.npz", x=images(50, 32, 32, seed=seed), y=y)
    one, other = load_dataset("mine", tmp_path), load_dataset("yours", tmp_path / "a")
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(
        [int((images(50, 32, 32) == image).all((1, 2)).argmax()) for image in one.images[:, 0]],
        [int((images(50, 32, 32, seed=1) == image).all((1, 2)).argmax()) for image in other.images[:, 0]],
    )


def test_a_class_an_image_cannot_be_split_by_class(tmp_path):
    np.savez(tmp_path / "mine.npz", x=images(20, 32, 32), y=np.arange(20))
    with pytest.raises(UserError, match=r"mine\.npz: every image is in a class of its own; omit the labels"):
        load_dataset("mine", tmp_path)


def test_a_partial_celeba_is_a_subset_without_labels(tmp_path):
    np.savez(tmp_path / "celeba64.npz", x=images(20, 64, 64, 3), name=np.arange(20))
    data = load_dataset("celeba", tmp_path)
    assert data.subset and data.labels is None and data.y_train is None
    assert (data.n_train, data.n_test) == (18, 2)


@pytest.mark.parametrize(("counts", "subset"), [((30, 10), False), ((29, 10), True), ((31, 10), True)])
def test_only_the_full_counts_are_complete(tmp_path, monkeypatch, counts, subset):
    monkeypatch.setitem(DATASETS, "mnist", _smaller(DATASETS["mnist"], n_train=30, n_test=10))
    np.savez(tmp_path / "mnist.npz", **split_arrays(*counts))
    assert load_dataset("mnist", tmp_path).subset is subset


X, Y = images(40, 32, 32), np.arange(40) % 4
NAMES = {
    "labels": ({"x": X, "labels": Y}, ["labels is read as y"]),
    "target": ({"x": X, "target": Y}, ["target is read as y"]),
    "capitals": ({"X": X, "Y": Y}, ["X is read as x", "Y is read as y"]),
    "images": ({"images": X, "Label": Y}, ["images is read as x", "Label is read as y"]),
    "train_labels": ({"x": X, "train_labels": Y}, ["train_labels is read as y"]),
    "y_train": ({"x": X, "y_train": Y}, ["y_train is read as y"]),
    "the very name wins": ({"x": X, "y": Y, "labels": Y[::-1], "images": X[::-1]}, ["not used: images, labels"]),
    "the very name of the images wins": (
        {"x": X, "train_images": X[:9], "test_images": X[9:], "targets": Y},
        ["targets is read as y", "not used: test_images, train_images"],
    ),
    "objects that nobody needs": ({"x": X, "y": Y, "meta": np.array([{}, None])}, ["not used: meta"]),
}


@pytest.mark.parametrize("case", NAMES)
def test_usual_names_are_understood_and_what_is_not_used_is_named(tmp_path, case):
    arrays, said = NAMES[case]
    np.savez(tmp_path / "plain.npz", x=X, y=Y)
    np.savez(tmp_path / "mine.npz", **arrays)
    for _ in range(2):  # prepared, and read again
        lines = []
        data = load_dataset("mine", tmp_path, report=lines.append)
        assert [line for line in lines if "preparing" not in line] == [f"mine.npz: {line}" for line in said]
        assert data.digest == load_dataset("plain", tmp_path).digest


def test_usual_names_of_given_splits_are_understood(tmp_path):
    given = {"train_images": X[:30], "Train_Labels": Y[:30], "test_images": X[30:], "test_labels": Y[30:]}
    np.savez(tmp_path / "mine.npz", **given, val_images=X[:5], val_labels=Y[:5])
    lines = []
    data = load_dataset("mine", tmp_path, report=lines.append)
    assert lines[1:] == [
        "mine.npz: train_images is read as x_train",
        "mine.npz: test_images is read as x_test",
        "mine.npz: Train_Labels is read as y_train",
        "mine.npz: test_labels is read as y_test",
        "mine.npz: not used: val_images, val_labels",
    ]
    np.testing.assert_array_equal(data.images[:, 0], X)
    np.testing.assert_array_equal(data.labels, Y)
    assert data.n_train == 30


def test_labels_of_two_splits_beside_one_array_of_images_are_not_used(tmp_path):
    np.savez(tmp_path / "mine.npz", x=X, y_train=Y[:30], y_test=Y[30:])
    lines = []
    assert load_dataset("mine", tmp_path, report=lines.append).labels is None
    assert lines[1:] == ["mine.npz: not used: y_test, y_train"]


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "b"] * 20),
        np.eye(4, dtype=np.uint8)[Y % 4],
        Y.astype(np.float32),
        np.arange(40),
        Y[:30],
        np.array([None] * 40),
    ],
    ids=["text", "one-hot", "float", "numbers of images", "too few", "objects"],
)
def test_an_array_that_is_named_like_labels_and_is_none_is_not_used(tmp_path, array):
    np.savez(tmp_path / "mine.npz", x=X, labels=array)
    lines = []
    assert load_dataset("mine", tmp_path, report=lines.append).labels is None
    assert lines[1:] == ["mine.npz: not used: labels"]


def test_only_what_is_used_is_read_and_counts_for_the_memory(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", x=X, y=Y, model=Y, huge=np.zeros(10**6, np.uint8), meta=np.array([None]))
    read, take = [], np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda self, key: read.append(key) or take(self, key))
    monkeypatch.setattr(npz, "_memory", lambda: 500_000)
    load_dataset("mine", tmp_path)
    assert read == ["x", "y"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y.astype(object)}, r"mine\.npz: y contains Python objects, which are never loaded"),
        ({"x": X.astype(object)}, r"mine\.npz: x contains Python objects"),
        ({"x": X, "labels": Y, "targets": Y}, r"mine\.npz: labels, targets could each be y; give that name"),
        ({"X": X, "Images": X}, r"mine\.npz: Images, X could each be x"),
        ({"train_images": X}, r"mine\.npz: lacks x_test \(it has train_images\)"),
        (
            {"images": X / 127.5 - 1},
            r"mine\.npz: images is float64, from -1 to 1; images must be .*numbers from 0 to 1",
        ),
        ({"x": X / 2}, r"mine\.npz: x is float64, from 0 to 127\.5; images must be integers"),
        ({"x": X.astype(np.int16) * 2}, r"mine\.npz: x is int16, from 0 to 510; images must be integers"),
        (
            {"x_train": X, "x_test": X / 255},
            r"mine\.npz: x_train and x_test differ in type, range or order of channels",
        ),
        ({"x_train": X * 1.0, "x_test": X / 255}, r"mine\.npz: x_train and x_test differ in type, range"),
        ({"x": X, "y": Y * 1.0}, r"mine\.npz: y is float64; labels must be integers"),
    ],
)
def test_errors_name_the_array_as_the_file_does(tmp_path, arrays, message):
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(UserError, match=message) as error:
        load_dataset("mine", tmp_path)
    assert "\n" not in str(error.value)


COLOURS = images(40, 32, 32, 3)
READINGS = {
    "floats": (COLOURS / 255, "float64 from 0 to 1, times 255"),
    "half precision": ((COLOURS / 255).astype(np.float16), "float16 from 0 to 1, times 255"),
    "whole floats": (COLOURS.astype(np.float32), "float32 from 0 to 255"),
    "whole numbers": (COLOURS.astype(np.int64), "int64 from 0 to 255"),
    "channels first": (COLOURS.transpose(0, 3, 1, 2), "channels first, (N, C, H, W)"),
    "both": (COLOURS.transpose(0, 3, 1, 2) / 255, "float64 from 0 to 1, times 255; channels first, (N, C, H, W)"),
}


@pytest.mark.parametrize("case", READINGS)
def test_other_numbers_and_orders_are_read_as_the_same_images_and_one_line_says_how(tmp_path, case):
    array, said = READINGS[case]
    np.savez(tmp_path / "plain.npz", x=COLOURS)
    np.savez(tmp_path / "mine.npz", x=array)
    np.savez(tmp_path / "ours.npz", train_images=array[:30], test_images=array[30:])
    lines = []
    assert load_dataset("mine", tmp_path, report=lines.append).digest == load_dataset("plain", tmp_path).digest
    assert lines[1:] == [f"mine.npz: x: read as {said}"]
    lines = []
    np.testing.assert_array_equal(
        load_dataset("ours", tmp_path, report=lines.append).images.transpose(0, 2, 3, 1), COLOURS
    )
    assert lines[-1] == f"ours.npz: train_images, test_images: read as {said}"


def test_true_and_false_are_white_and_black(tmp_path):
    np.savez(tmp_path / "mine.npz", x=X > 127)
    np.testing.assert_array_equal(load_dataset("mine", tmp_path).images[:, 0], 255 * (X > 127))


def test_chairs_are_split_by_runs_of_62_views(tmp_path):
    x = images(20 * 62, 64, 64)
    np.savez(tmp_path / "chairs64.npz", x=x)
    data = load_dataset("chairs", tmp_path)
    assert (data.n_train, data.n_test, data.subset) == (18 * 62, 2 * 62, True)
    np.testing.assert_array_equal(data.images[:, 0], x)


def test_chairs_are_split_by_model_wherever_their_views_lie(tmp_path):
    model = np.array(["b", "a", "c", "a", "b", "c", "a"])
    x = images(7, 64, 64)
    np.savez(tmp_path / "chairs64.npz", x=x, model=model)
    data = load_dataset("chairs", tmp_path)
    np.testing.assert_array_equal(data.x_train[:, 0], x[[0, 4, 1, 3, 6]])
    np.testing.assert_array_equal(data.x_test[:, 0], x[[2, 5]])  # c was seen last


def test_the_digest_depends_on_content_and_split_alone(tmp_path):
    def digest(folder: str, **arrays: np.ndarray) -> str:
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "mine.npz", **arrays)
        return load_dataset("mine", tmp_path / folder).digest

    x, y = images(20, 32, 32), np.repeat([0, 1], 10)
    x, y = x[[*range(9), *range(10, 19), 9, 19]], y[[*range(9), *range(10, 19), 9, 19]]
    both = {"x_train": x[:18], "x_test": x[18:], "y_train": y[:18], "y_test": y[18:]}
    changed = x.copy()
    changed[3, 5, 5] ^= 1
    reference = digest("a", x=x, y=y)
    assert digest("b", **both) == reference
    others = [digest("c", x=changed, y=y), digest("d", x=x, y=y + 1), digest("e", x=x)]
    others.append(digest("f", x_train=x[:17], x_test=x[17:], y_train=y[:17], y_test=y[17:]))
    assert len({reference, *others}) == 5


GOOD = split_arrays()
BAD = {
    "float pixels": (GOOD | {"x_train": GOOD["x_train"] / 300.0}, "x_train and x_test differ"),
    "signed pixels": (GOOD | {"x_train": GOOD["x_train"] / 127.5 - 1}, "x_train is float64, from -1 to 1"),
    "flat pixels": (GOOD | {"x_train": GOOD["x_train"].reshape(30, -1)}, r"x_train has the shape \(30, 784\)"),
    "two channels": (GOOD | {"x_test": images(10, 2, 32, 32)}, r"x_test has the shape \(10, 2, 32, 32\)"),
    "other order": (
        split_arrays(30, 10, 32, 32, 1) | {"x_test": images(10, 1, 32, 32)},
        "differ in type, range or order",
    ),
    "odd side": (GOOD | {"x_train": images(30, 48, 48)}, "48 x 48; they must be square with side 28, 32, 64"),
    "not square": (GOOD | {"x_train": images(30, 28, 32)}, "28 x 32"),
    "empty": (GOOD | {"x_test": images(0, 28, 28), "y_test": np.zeros(0, int)}, "x_test contains no images"),
    "two sizes": (GOOD | {"x_test": images(10, 32, 32)}, "must have the same shape"),
    "missing labels": ({k: v for k, v in GOOD.items() if k != "y_test"}, "lacks y_test"),
    "no labels": ({k: v for k, v in GOOD.items() if k[0] == "x"}, "evaluated with its labels"),
    "fewer labels": (GOOD | {"y_train": GOOD["y_train"][:-1]}, r"y_train has the shape \(29,\); 30 images"),
    "float labels": (GOOD | {"y_train": GOOD["y_train"] * 1.0}, "labels must be integers"),
    "negative label": (GOOD | {"y_train": GOOD["y_train"].astype(int) - 1}, "labels start at 0"),
    "eleventh class": (GOOD | {"y_train": GOOD["y_train"] + np.uint8(1)}, "has the label 10"),
    "objects": (GOOD | {"y_train": GOOD["y_train"].astype(object)}, "Python objects"),
    "colour": (split_arrays(30, 10, 32, 32, 3), r"3 channel\(s\); MNIST is 32 x 32 with 1"),
    "other keys": ({"data": images(3, 28, 28)}, "has data; needs x_train"),
    "one array": ({"x": images(30, 28, 28)}, "needs x_train, y_train, x_test, y_test"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_get_one_line_and_leave_the_prepared_copy(tmp_path, case):
    arrays, message = BAD[case]
    path = tmp_path / "mnist.npz"
    np.savez(path, **GOOD)
    before = load_dataset("mnist", tmp_path)
    meta = (tmp_path / "prepared/mnist/meta.json").read_bytes()
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=message) as error:
        load_dataset("mnist", tmp_path)
    assert "mnist.npz" in str(error.value) and "\n" not in str(error.value)
    assert (tmp_path / "prepared/mnist/meta.json").read_bytes() == meta
    assert (before.images[0, 0, 2:30, 2:30] == GOOD["x_train"][0]).all()


def _truncated(good: bytes) -> bytes:
    return good[: len(good) // 2]


def _altered(good: bytes) -> bytes:
    return good[:400] + bytes(byte ^ 255 for byte in good[400:420]) + good[420:]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncated, "cannot be read as .npz"),
        (_altered, "cannot be read as .npz"),
        (lambda good: b"", "cannot be read as .npz"),
        (lambda good: b"garbage" * 100, "not an .npz file"),
        (lambda good: b"\n<!DOCTYPE html><html>quota exceeded</html>", "web page"),
    ],
)
def test_damaged_files_get_one_line(tmp_path, spoil, message):
    path = tmp_path / "mnist.npz"
    np.savez(path, **GOOD)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=message) as error:
        load_dataset("mnist", tmp_path)
    assert "\n" not in str(error.value) and not (tmp_path / "prepared/mnist").exists()


def test_a_bare_array_is_no_npz(tmp_path):
    np.save(tmp_path / "mine.npy", images(20, 32, 32))
    (tmp_path / "mine.npy").rename(tmp_path / "mine.npz")
    with pytest.raises(UserError, match=r"single \.npy array"):
        load_dataset("mine", tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": images(63, 64, 64)}, "not a multiple of 62"),
        ({"x": images(62, 64, 64)}, "shows only one chair"),
        ({"x": images(4, 64, 64), "model": np.arange(3)}, r"model has the shape \(3,\)"),
    ],
)
def test_chairs_that_cannot_be_told_apart(tmp_path, arrays, message):
    np.savez(tmp_path / "chairs64.npz", **arrays)
    with pytest.raises(UserError, match=message):
        load_dataset("chairs", tmp_path)


@pytest.mark.parametrize(
    "name", ["MNIST", "Fashion-MNIST", "fashionmnist", "cifar_10", "celeba64", "3D Chairs", "../mnist", "a/b", "", "-x"]
)
def test_names_that_would_be_mistaken_are_refused(name):
    with pytest.raises(UserError):
        spec_for(name)


def test_an_unknown_name_says_which_file_it_would_be(tmp_path):
    with pytest.raises(DataUnavailable, match=r"mine\.npz does not exist"):
        load_dataset("mine", tmp_path)
    assert not list(tmp_path.iterdir())


def _smaller(spec, **changes):
    return type(spec)(**{**spec.__dict__, **changes})
