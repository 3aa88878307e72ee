"""The user's environment (plotting, warnings, arithmetic) changes neither figures nor results nor what is said."""

import copy
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from figure_samples import sample
from matplotlib.font_manager import FontManager, fontManager, json_dump

from benchmark.figures import clustering_scores
from benchmark.plotting.figure_files import write_page

ROOT = Path(__file__).resolve().parent.parent
USERS = "savefig.bbox: tight\ntext.usetex: True\nbackend: TkAgg\nlines.linewidth: 9\n"
DRAW = """
import sys
from pathlib import Path
from figure_samples import sample
from benchmark.figures import clustering_scores
from benchmark.plotting.figure_files import write_page
[(name, data)] = clustering_scores.pages(sample())
write_page(clustering_scores.draw, data, Path(sys.argv[1]), name)
"""


def in_a_process(code: str, *arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    changed = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])} | environment
    command = [sys.executable, "-P", "-c", code, *arguments]
    return subprocess.run(
        command, cwd=folder, env=changed, capture_output=True, text=True, encoding="utf-8", timeout=120
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> dict[str, bytes]:
    """The files of one page of figures, drawn here."""
    [(name, data)] = clustering_scores.pages(sample())
    return {
        path.name: path.read_bytes()
        for path in write_page(clustering_scores.draw, data, tmp_path_factory.mktemp("p"), name)
    }


@pytest.mark.parametrize(
    "content",
    [USERS.encode(), pytest.param(b"\xff\xfe not text", marks=pytest.mark.slow)],
    ids=["settings", "broken"],
)
def test_a_matplotlibrc_in_the_working_folder_changes_no_byte(tmp_path, page, content):
    (tmp_path / "matplotlibrc").write_bytes(content)
    done = in_a_process(DRAW, "drawn", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()} == page


@pytest.mark.slow
def test_nor_do_variables_or_a_home_that_takes_no_cache(tmp_path, page):
    (tmp_path / "rc").write_bytes(b"\xff\xfe not text")
    users = {"MATPLOTLIBRC": str(tmp_path / "rc"), "MPLBACKEND": "nosuch", "PYTHONWARNINGS": "error"}
    home = {"HOME": "/proc/none", "MPLCONFIGDIR": "/proc/none"}
    done = in_a_process(DRAW, "drawn", folder=tmp_path, **users, **home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()} == page


def test_nor_does_a_cached_list_of_fonts_with_another_font_of_the_same_name(tmp_path, page):
    """As on a system with a DejaVu Sans of its own, where the list was made while matplotlib's was not there."""
    serif = next(font.fname for font in fontManager.ttflist if font.name == "DejaVu Serif")
    listed = copy.copy(fontManager)
    listed.ttflist = [
        dataclasses.replace(font, fname=serif) if font.name == "DejaVu Sans" else font for font in fontManager.ttflist
    ]
    json_dump(listed, tmp_path / f"fontlist-v{FontManager.__version__}.json")
    done = in_a_process(DRAW, "drawn", folder=tmp_path, MPLCONFIGDIR=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()} == page


def test_nor_what_another_library_has_set_in_the_process(tmp_path, page):
    [(name, data)] = clustering_scores.pages(sample())
    with matplotlib.rc_context({"savefig.bbox": "tight", "lines.linewidth": 9, "axes.facecolor": "red"}):
        drawn = write_page(clustering_scores.draw, data, tmp_path, name)
        assert matplotlib.rcParams["lines.linewidth"] == 9
    assert {path.name: path.read_bytes() for path in drawn} == page


def test_variables_that_change_arithmetic_or_make_warnings_errors_are_taken_out(tmp_path):
    code = (
        "import os, sys, warnings, benchmark\n"
        "warnings.warn('a library says')\n"
        "print([name for name in sys.argv[1:] if name in os.environ], sys.warnoptions, os.environ['MPLBACKEND'])"
    )
    users = {
        "NVIDIA_TF32_OVERRIDE": "1",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
        "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
        "PYTHONWARNINGS": "error,ignore::DeprecationWarning",
        "CUBLAS_WORKSPACE_CONFIG": ":0:0",
    }
    done = in_a_process(code, *users, folder=tmp_path, **users)
    assert (done.returncode, done.stdout) == (0, "[] [] agg\n")
    assert "UserWarning: a library says" in done.stderr
    kept = in_a_process(code, *users, folder=tmp_path, CUBLAS_WORKSPACE_CONFIG=":16:8")
    assert kept.stdout == "['CUBLAS_WORKSPACE_CONFIG'] [] agg\n"
