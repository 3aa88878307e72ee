"""A folder of pictures as a data set: what Pillow reads is read alike, in one order, and the rest is named."""

import os

import numpy as np
import pytest
from PIL import Image

from benchmark.cli import main
from benchmark.commands import fetch_files
from benchmark.data import from_folder
from benchmark.data.from_folder import write_from_folder
from benchmark.data.load import load_dataset
from benchmark.errors import UserError


def picture(width: int = 40, height: int = 40, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(image: Image.Image, path, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **more)
    return path


def made(tmp_path, side: int = 32, name: str = "mine") -> tuple[dict[str, np.ndarray], list[str]]:
    lines: list[str] = []
    path = write_from_folder(tmp_path / "pictures", name, side, tmp_path / "data", lines.append)
    with np.load(path) as arrays:
        return dict(arrays), lines


def test_folders_are_classes_by_name_and_the_last_tenth_of_each_is_held_out(tmp_path):
    shades = {"b": 100, "a": 10, "c/deeper": 200}
    for name, shade in shades.items():
        for number in range(20):
            grey = np.full((50, 40), shade, np.uint8)
            grey[:, :20] += number
            saved(Image.fromarray(grey), tmp_path / "pictures" / name / f"{number:02}.png")
    arrays, lines = made(tmp_path)
    assert arrays["x"].shape == (60, 32, 32) and arrays["x"].dtype == np.uint8
    assert arrays["y"].tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert arrays["x"][:, 16, 2].tolist() == [shade + number for shade in (10, 100, 200) for number in range(20)]
    assert lines[2:] == [
        f"{tmp_path / 'pictures'}: 60 pictures, the central square of each resized to 32 x 32 "
        "(Pillow's antialiased bilinear), grey",
        "classes: 0 a, 1 b, 2 c",
    ]
    data = load_dataset("mine", tmp_path / "data")
    assert (data.n_train, data.n_test, data.image_shape) == (54, 6, (1, 32, 32))
    assert data.y_test.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.x_test[:, 0, 16, 2].tolist() == [28, 29, 118, 119, 218, 219]


def test_the_central_square_is_kept(tmp_path):
    wide = np.zeros((32, 64, 3), np.uint8)
    wide[:, 16:48] = (0, 128, 255)
    for number, image in enumerate((wide, wide.transpose(1, 0, 2))):
        saved(Image.fromarray(image), tmp_path / "pictures" / f"{number}.png")
    arrays, _ = made(tmp_path)
    assert "y" not in arrays
    assert (arrays["x"] == np.array([0, 128, 255])).all()


@pytest.mark.parametrize("side", [28, 32, 64])
def test_sizes_are_those_of_the_networks(tmp_path, side):
    for number in range(4):
        saved(picture(30 + number, 90), tmp_path / "pictures" / f"{number}.jpg")
    arrays, _ = made(tmp_path, side)
    assert arrays["x"].shape == (4, side, side, 3)
    assert load_dataset("mine", tmp_path / "data").image_shape == (3, max(side, 32), max(side, 32))


def sixteen(value: int) -> Image.Image:
    return Image.fromarray(np.full((40, 40), value, np.uint16))


TURNED = Image.Exif()
TURNED[0x0112] = 6  # to be shown turned by a quarter to the right
HALVES = Image.new("RGB", (40, 40), "black")
HALVES.paste("white", (0, 0, 40, 20))
CLEAR = Image.new("RGBA", (40, 40), (200, 100, 0, 0))
MODES = {
    "grey with a clear part": (Image.new("LA", (40, 40), (7, 0)), "png", {}, [255] * 3),
    "clear": (CLEAR, "png", {}, [255] * 3),
    "half clear": (Image.new("RGBA", (40, 40), (0, 0, 0, 128)), "png", {}, [127] * 3),
    "palette": (Image.new("RGB", (40, 40), (200, 100, 0)).quantize(4), "png", {}, [200, 100, 0]),
    "palette with a clear colour": (Image.new("P", (40, 40), 0), "png", {"transparency": 0}, [255] * 3),
    "black and white": (Image.new("1", (40, 40), 1), "png", {}, [255] * 3),
    "16 bits": (sixteen(257 * 77), "png", {}, [77] * 3),
    "16 bits, TIFF": (sixteen(65535), "tiff", {}, [255] * 3),
    "print": (Image.new("CMYK", (40, 40), (0, 0, 0, 255)), "tiff", {}, [0] * 3),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_what_it_looks_like(tmp_path, mode):
    image, kind, more, colour = MODES[mode]
    saved(image, tmp_path / "pictures" / f"0.{kind}", **more)
    saved(picture(), tmp_path / "pictures" / "1.png")
    arrays, _ = made(tmp_path)
    assert (arrays["x"][0] == colour).all()


def test_a_picture_stands_as_its_camera_says(tmp_path):
    for number in range(2):
        saved(HALVES, tmp_path / "pictures" / f"{number}.png", exif=TURNED)
    arrays, _ = made(tmp_path)
    assert (arrays["x"][:, :, 20:] == 255).all() and (arrays["x"][:, :, :12] == 0).all()


def test_what_is_no_picture_is_named_and_counted(tmp_path):
    folder = tmp_path / "pictures"
    good = [saved(picture(seed=number), folder / name / f"{number}.png") for name in "ab" for number in range(3)]
    (folder / "a" / "notes.txt").write_text("no picture")
    (folder / "b" / "torn.png").write_bytes(good[0].read_bytes()[:400])
    saved(Image.fromarray(np.zeros((9, 9), np.float32)), folder / "b" / "range.tiff")
    (folder / "b" / ".hidden").write_text("left out")
    (folder / "readme.md").write_text("beside")
    arrays, lines = made(tmp_path)
    assert arrays["y"].tolist() == [0, 0, 0, 1, 1, 1]
    assert lines == [
        f"{folder}: looking for pictures",
        f"{folder}: 1 files outside the class folders are not used",
        f"{folder}: reading 9 files",
        "a/notes.txt: skipped, not a readable image (UnidentifiedImageError)",
        "b/range.tiff: skipped, its pixels are floating-point numbers of unknown range",
        "b/torn.png: skipped, not a readable image (OSError)",
        f"{folder}: 3 of 9 files skipped",
        *lines[-2:],
    ]


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(from_folder, "_MOST_PIXELS", 40 * 40)
    for number, width in enumerate((40, 41, 40)):
        saved(picture(width), tmp_path / "pictures" / f"{number}.png")
    arrays, lines = made(tmp_path)
    assert len(arrays["x"]) == 2
    assert lines[2] == "1.png: skipped, 41 x 40 are too many pixels"


def test_links_in_a_circle_end(tmp_path):
    folder = tmp_path / "pictures"
    for name in "ab":
        for number in range(2):
            saved(picture(seed=number), folder / name / f"{number}.png")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "b" / "pipe")
    arrays, _ = made(tmp_path)
    assert arrays["y"].tolist() == [0, 0, 1, 1]


def test_one_class_is_none(tmp_path):
    for number in range(3):
        saved(picture(), tmp_path / "pictures" / "all" / f"{number}.png")
    assert set(made(tmp_path)[0]) == {"x"}


def test_what_cannot_be_a_data_set_is_one_line_and_leaves_no_file(tmp_path):
    folder, data = tmp_path / "pictures", tmp_path / "data"

    def refused(match: str, name: str = "mine", side: int = 32) -> None:
        with pytest.raises(UserError, match=match):
            write_from_folder(folder, name, side, data, lambda line: None)
        assert not data.exists()

    refused("is not a folder; give one")
    folder.mkdir()
    refused("0 of 0 files can be read as pictures; at least 2 are needed")
    (folder / "a.txt").write_text("no picture")
    refused("0 of 1 files can be read")
    refused("is reserved for MNIST; choose", name="mnist")
    refused("a name is made of letters", name="../mine")
    refused("supported sides are 28, 32, 64 pixels", side=48)
    for split in ("train", "test"):
        saved(picture(), folder / split / "cats" / "1.png")
    refused(r"test, train would be read as classes; give a folder that contains .* such as .*/test")


def test_the_command_makes_a_set_that_can_be_trained_on_and_overwrites_none(tmp_path, capsys):
    for number in range(20):
        saved(picture(seed=number), tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png")
    asked = ["fetch", "--from-folder", str(tmp_path / "pictures"), "--data-dir", str(tmp_path / "data")]
    assert main([*asked, "--size", "28", "--name", "ours"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("ours: 18 + 2 images from ours.npz, sha256 ")
    assert said[-1] == f"train on it: ./run_all.sh run --only dataset=ours --data-dir {tmp_path / 'data'}"
    for more, match in (
        (["--name", "ours"], "ours.npz: already exists; move it away, or give another --name"),
        (["mnist"], "fetch mnist --from-folder: fetch these in a separate call"),
    ):
        assert main([*asked, *more]) == 2
        assert match in capsys.readouterr().err
    assert main(["fetch", "--size", "32"]) == 2
    assert "--size and --name require --from-folder DIR" in capsys.readouterr().err


@pytest.mark.parametrize("end", ["refused", "interrupted"])
def test_a_set_that_was_not_prepared_does_not_take_the_name(tmp_path, capsys, monkeypatch, end):
    def interrupted(*arguments, **more):
        raise KeyboardInterrupt

    for number in range(20):
        image = Image.new("RGB", (40, 40), "black") if end == "refused" else picture(seed=number)
        saved(image, tmp_path / "pictures" / f"{number}.png")
    data = tmp_path / "a b"
    asked = ["fetch", "--from-folder", str(tmp_path / "pictures"), "--data-dir", str(data)]
    with monkeypatch.context() as patched:
        if end == "interrupted":
            patched.setattr(fetch_files, "load_dataset", interrupted)
        assert main(asked) == {"refused": 2, "interrupted": 130}[end]
    assert not (data / "mine.npz").exists()
    for number in range(20):
        saved(picture(seed=number), tmp_path / "pictures" / f"{number}.png")
    capsys.readouterr()
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert f"--data-dir '{data}'\n" in said


def test_a_large_folder_is_never_silent(tmp_path, monkeypatch):
    for number in range(3):
        saved(picture(seed=number), tmp_path / "pictures" / f"{number}.png")
    monkeypatch.setattr(from_folder, "_REPORT_EVERY", 0.0)
    folder, (_, lines) = tmp_path / "pictures", made(tmp_path)
    assert lines[:5] == [
        f"{folder}: looking for pictures",
        f"{folder}: reading 3 files",
        *(f"{folder}: {number} of 3 files read" for number in (1, 2, 3)),
    ]
