"""3D Chairs on renderings drawn here, in the archive's own layout."""

import hashlib
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmark.data import chairs
from benchmark.data.images import decoded_blocks
from benchmark.data.load import load_dataset
from benchmark.data.specs import DATASETS
from benchmark.errors import DataUnavailable, UserError

CHAIRS = ("c_last", "a_first", "b_middle")  # as the archive might list them
VIEWS = [(p, t) for p in (20, 30) for t in range(11, 11 + 31 * 11, 11)]


def png(shade: int, side: int = 600, mode: str = "RGB") -> bytes:
    """White, a black frame outside the central 400 x 400, and a square of (shade, 0, 0) in the middle 200 x 200."""
    image = Image.new("RGB", (side, side), "black")
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 100, 499, 499), fill="white")
    draw.rectangle((200, 200, 399, 399), fill=(shade, 0, 0))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    """Every file of the small archive; chair i, view v is red with 80 i + v."""
    files = {"rendered_chairs/all_chair_names.mat": b"not an image"}
    for name in CHAIRS:
        number = sorted(CHAIRS).index(name)
        for view in reversed(range(62)):
            p, t = VIEWS[view]
            path = f"rendered_chairs/{name}/renders/image_{view:03d}_p{p:03d}_t{t:03d}_r096.png"
            files[path] = png(80 * number + view)
    return files


@pytest.fixture(autouse=True)
def three_chairs(monkeypatch):
    monkeypatch.setattr(chairs, "CHAIRS", 3)


def make_tar(path, files: dict[str, bytes], extra: tarfile.TarInfo | None = None, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra is not None:
            archive.addfile(extra)


def test_views_are_cropped_sorted_and_split_by_chair(members, tmp_path):
    make_tar(tmp_path / "rendered_chairs.tar", members)
    data = load_dataset("chairs", tmp_path, offline=True)
    assert data.images.shape == (186, 1, 64, 64) and (data.n_train, data.n_test) == (124, 62)
    assert (data.subset, data.source, data.labels) == (False, "rendered_chairs.tar", None)
    # 400 -> 64 pixels: the red square covers the middle half, pixels 16 to 47; red is 0.299 of grey.
    expected = np.array([round(0.299 * (80 * chair + view)) for chair in range(3) for view in range(62)])
    np.testing.assert_allclose(data.images[:, 0, 32, 32], expected, atol=1)
    assert (data.images[:, 0, 18:46, 18:46] == data.images[:, :, 32:33, 32:33][:, 0]).all()
    assert (data.images[:, 0, :14] == 255).all() and (data.images[:, 0, :, 50:] == 255).all()  # no black frame


def test_factors_are_the_numbers_of_the_file_names(members, tmp_path):
    make_tar(tmp_path / "rendered_chairs.tar", members)
    data = load_dataset("chairs", tmp_path, offline=True)
    assert data.factor_names == ("model", "elevation", "azimuth") and data.factors.dtype == np.int16
    expected = [(chair, *view) for chair in range(3) for view in VIEWS]
    np.testing.assert_array_equal(data.factors, expected)


def test_the_extracted_folder_gives_the_same_set(members, tmp_path):
    make_tar(tmp_path / "rendered_chairs.tar", members)
    for name, content in members.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    from_tar = load_dataset("chairs", tmp_path, offline=True)
    from_folder = load_dataset("chairs", tmp_path / "folder", offline=True)
    assert from_tar.digest == from_folder.digest
    assert not (tmp_path / "rendered_chairs").exists()  # nothing was extracted


def test_digest_is_recorded_and_an_altered_archive_refused(members, tmp_path):
    path = tmp_path / "rendered_chairs.tar"
    make_tar(path, members)
    load_dataset("chairs", tmp_path, offline=True)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (tmp_path / "rendered_chairs.tar.sha256").read_text(encoding="utf-8") == f"{sha}  rendered_chairs.tar\n"
    path.write_bytes(path.read_bytes() + bytes(512))  # a tar may end in more zeros: only the digest can tell
    with pytest.raises(UserError, match=r"SHA-256.*rendered_chairs\.tar\.sha256 has a different one"):
        load_dataset("chairs", tmp_path, offline=True)


def unsafe(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "member",
    [
        unsafe("../outside.png", tarfile.REGTYPE),
        unsafe("/absolute.png", tarfile.REGTYPE),
        unsafe("rendered_chairs/link.png", tarfile.SYMTYPE),
        unsafe("rendered_chairs/hard.png", tarfile.LNKTYPE),
        unsafe("rendered_chairs/device", tarfile.CHRTYPE),
    ],
    ids=lambda member: member.name,
)
def test_members_that_reach_outside_are_refused(members, tmp_path, member):
    make_tar(tmp_path / "rendered_chairs.tar", members, member)
    with pytest.raises(UserError, match="is a link or points outside its folder"):
        load_dataset("chairs", tmp_path, offline=True)


def without(members: dict[str, bytes], part: str) -> dict[str, bytes]:
    return {name: content for name, content in members.items() if part not in name}


def repeated(members: dict[str, bytes]) -> dict[str, bytes]:
    """62 files for every chair, but one of them twice under different angles and one not at all."""
    twice = "rendered_chairs/b_middle/renders/image_005_p030_t099_r096.png"
    return without(members, "b_middle/renders/image_006") | {twice: png(1)}


def changed(members: dict[str, bytes], content: bytes) -> dict[str, bytes]:
    return members | {next(name for name in members if "a_first" in name and "image_007" in name): content}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: without(m, "b_middle"), r"2 chairs with 124 views; the complete set has 3 chairs"),
        (lambda m: without(m, "b_middle/renders/image_005"), r"3 chairs with 185 views"),
        (repeated, r"3 chairs with 186 views"),
        (lambda m: changed(m, png(1, side=500)), r"image_007.*is 500 x 500, not 600 x 600"),
        (lambda m: changed(m, b"garbage"), r"image_007.*is not a readable image"),
        (lambda m: changed(m, png(1)[:300]), r"image_007.*is not a readable image"),
    ],
)
def test_incomplete_archives_are_one_line_and_record_no_digest(members, tmp_path, change, message):
    make_tar(tmp_path / "rendered_chairs.tar", change(members))
    with pytest.raises(UserError, match=message) as error:
        load_dataset("chairs", tmp_path, offline=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "rendered_chairs.tar.sha256").exists()
    assert sorted(path.name for path in (tmp_path / "prepared").iterdir()) == [".chairs.lock"]


def laid_out(data_dir, members: dict[str, bytes], kind: str, root: str) -> None:
    """The members below another root, in an archive of a kind or extracted to a folder."""
    files = {name.replace("rendered_chairs/", root, 1): content for name, content in members.items()}
    data_dir.mkdir(exist_ok=True)
    if kind == "folder":
        for name, content in files.items():
            (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (data_dir / name).write_bytes(content)
    elif kind.endswith("zip"):
        with zipfile.ZipFile(data_dir / kind, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        make_tar(
            data_dir / kind, files, mode=f"w:{ {'gz': 'gz', 'tgz': 'gz', 'xz': 'xz'}.get(kind.rpartition('.')[2], '') }"
        )


@pytest.mark.parametrize(
    ("kind", "root"),
    [
        ("folder", "rendered_chairs/rendered_chairs/"),
        ("folder", "Rendered_Chairs/archive/rendered_chairs/"),
        ("rendered_chairs.tar", ""),
        ("rendered_chairs.tar.gz", "rendered_chairs/"),
        ("rendered_chairs.tgz", "chairs/rendered_chairs/"),
        ("rendered_chairs.tar.xz", "./rendered_chairs/"),
        ("rendered_chairs.zip", "rendered_chairs/"),
    ],
)
def test_other_layouts_and_compressions_give_the_same_set(members, tmp_path, kind, root):
    make_tar(tmp_path / "rendered_chairs.tar", members)
    laid_out(tmp_path / "data", members, kind, root)
    data = load_dataset("chairs", tmp_path / "data", offline=True)
    assert data.digest == load_dataset("chairs", tmp_path, offline=True).digest
    assert (tmp_path / "data" / f"{kind}.sha256").exists() == (kind != "folder")


def test_an_archive_in_the_folder_named_for_it_is_found(members, tmp_path):
    (tmp_path / "rendered_chairs").mkdir()
    assert chairs.find(tmp_path) is None  # an empty folder is no obstacle to a download
    make_tar(tmp_path / "rendered_chairs" / "rendered_chairs.tar", members)
    assert load_dataset("chairs", tmp_path, offline=True).source == "rendered_chairs.tar"


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "folder",
            lambda m: m | {n.replace("s/", "s/copy/", 1): c for n, c in m.items()},
            "a_first has 124, 62 of them",
        ),
        ("folder", lambda m: without(m, "renders"), r"has no renderings; expected .*, found all_chair_names\.mat"),
        (
            "rendered_chairs.tgz",
            lambda m: without(m, "c_last"),
            "2 chairs with 124 views; the complete set has 3 chairs",
        ),
        (
            "rendered_chairs.zip",
            lambda m: without(m, "c_last/renders/image_007"),
            "c_last has 61, 61 of them different",
        ),
    ],
)
def test_what_is_found_and_expected_is_said_and_nothing_is_advised_away(members, tmp_path, kind, change, message):
    laid_out(tmp_path, change(members), kind, "rendered_chairs/")
    with pytest.raises(UserError, match=message) as error:
        load_dataset("chairs", tmp_path, offline=True)
    assert "delete" not in str(error.value) and "away" not in str(error.value)


@pytest.mark.parametrize("kind", ["rendered_chairs.tar.gz", "rendered_chairs.tar.xz", "rendered_chairs.zip"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_an_archive_compressed_anew_and_cut_short_says_so(members, tmp_path, kind, part):
    laid_out(tmp_path, members, kind, "rendered_chairs/")
    content = (tmp_path / kind).read_bytes()
    (tmp_path / kind).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=r"is not a complete (tar|zip) archive|cannot be read") as error:
        load_dataset("chairs", tmp_path, offline=True)
    assert "delete" not in str(error.value) and not (tmp_path / f"{kind}.sha256").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "web page"),
        (b"", "not a complete tar"),
        (b"x" * 2000, "not a complete tar"),
        (None, "not a complete tar|views"),
    ],
)
def test_damaged_archives_are_one_line(members, tmp_path, content, message):
    path = tmp_path / "rendered_chairs.tar"
    make_tar(path, members)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 100] if content is None else content)
    with pytest.raises(UserError, match=message) as error:
        load_dataset("chairs", tmp_path, offline=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mode", ["P", "RGBA", "L"])
def test_other_png_modes_look_the_same(members, tmp_path, mode):
    crop = partial(decoded_blocks, expected=(600, 600), crop=400, mode="L")
    (_, reference), (_, other) = (next(iter(crop(["x"], lambda _, m=m: png(180, mode=m)))) for m in ("RGB", mode))
    assert np.abs(reference.astype(int) - other.astype(int)).max() <= 1


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    _, pixels = next(iter(decoded_blocks(["x"], lambda _: buffer.getvalue(), (600, 600), 400, "L")))
    assert (pixels == 255).all()


@pytest.mark.parametrize("of_the_authors", [True, False])
def test_it_is_downloaded_when_it_is_not_here(members, tmp_path, monkeypatch, of_the_authors):
    (tmp_path / "server").mkdir()
    make_tar(tmp_path / "server/rendered_chairs.tar", members)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    lines = []
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "server")) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_port}/rendered_chairs.tar"
        monkeypatch.setitem(DATASETS, "chairs", replace(DATASETS["chairs"], url=url))
        if of_the_authors:
            monkeypatch.setattr(chairs, "CHAIRS_URL", url)
        with pytest.raises(DataUnavailable, match=r"not found; `\./run_all\.sh fetch chairs` fetches it"):
            load_dataset("chairs", tmp_path / "data", offline=True)
        data = load_dataset("chairs", tmp_path / "data", report=lines.append)
        http.shutdown()
    assert data.images.shape == (186, 1, 64, 64)
    assert [line.split()[1] for line in lines] == ["downloading", "preparing"] and url in lines[0]
    digest = hashlib.sha256((tmp_path / "data/rendered_chairs.tar").read_bytes()).hexdigest()
    recorded = tmp_path / "data/rendered_chairs.tar.sha256"
    assert recorded.read_text(encoding="utf-8") == f"{digest}  rendered_chairs.tar\n# fetched from {url}\n"
    assert data.verified == of_the_authors  # whose server is all that vouches for it
