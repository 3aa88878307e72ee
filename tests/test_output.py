"""What is printed: in any encoding, to a closed, full or broken output, and whole in narrow terminals."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmark import cli
from benchmark.cli import build_parser, carry_out
from benchmark.commands import list_studies
from benchmark.commands.show_status import StatusOptions, status
from benchmark.output import plain_console, standard_output
from benchmark.tables.terminal import print_markdown

ROOT = Path(__file__).resolve().parent.parent
STUDY = ROOT / "results" / "reference" / "laptop-cpu"
CARD = ("methods", "gmvae")


def started(*arguments: str, wrapped: str = "", **environment: str) -> subprocess.CompletedProcess:
    """`python -m benchmark ...`, with the shell's redirections `wrapped`."""
    command = ["bash", "-c", f'"$@" {wrapped}', "-", sys.executable, "-P", "-m", "benchmark", *arguments]
    changed = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, cwd=ROOT, capture_output=True, env=changed, timeout=120)


def in_encoding(encoding: str, text: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    with standard_output():
        plain_console().print(text)
    return raw.getvalue()


def test_what_an_encoding_lacks_has_a_stand_in_character_by_character(monkeypatch):
    text = "0.373 ±0.012 × †[a] SC ↑ “β” Łukasz é d ≤ 2 – 日"
    assert in_encoding("ascii", text, monkeypatch) == b'0.373 +-0.012 x #[a] SC ^ "beta" Lukasz e d <= 2 - ?\n'
    assert in_encoding("latin-1", text, monkeypatch).decode("latin-1") == (
        '0.373 ±0.012 × #[a] SC ^ "beta" Lukasz é d <= 2 - ?\n'
    )
    assert in_encoding("utf-8", text, monkeypatch).decode() == text + "\n"


def test_a_file_name_that_is_no_text_is_printed_as_its_bytes(monkeypatch):
    name = os.fsdecode(b"runs/\xff\xe9")
    assert in_encoding("utf-8", name, monkeypatch) == b"runs/\xff\xe9\n"


@pytest.mark.slow
def test_an_encoding_changes_neither_the_status_nor_the_files(tmp_path):
    arguments = ("tables", str(tmp_path / "study"))
    shutil.copytree(STUDY, tmp_path / "study")
    before = {path.name: path.read_bytes() for path in (tmp_path / "study" / "tables").iterdir()}
    done = started(*arguments, PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert (done.returncode, done.stderr) == (3, b"")
    assert b"HGMVAE-G             0.922 \xb10.007   0.337 \xb10.022     0.434 \xb10.030\n" in done.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "study" / "tables").iterdir()} == before


@pytest.mark.parametrize(
    ("wrapped", "code", "said"),
    [
        (">&-", 2, b"benchmark: standard output is closed"),
        (">/dev/full", 2, b"benchmark: standard output cannot be written (No space left on device)"),
        (">/dev/full 2>/dev/full", 2, b""),
        ("2>&-", 0, b""),
        ("| true; exit ${PIPESTATUS[0]}", 141, b""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_takes_nothing_ends_with_at_most_one_line_and_its_own_status(wrapped, code, said):
    done = started(*CARD, wrapped=wrapped)
    assert done.returncode == code
    assert done.stderr.startswith(said) and len(done.stderr.splitlines()) == bool(said)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_help_needs_an_output_too(tmp_path):
    assert started("--help", wrapped=">/dev/full").returncode == 2
    missing = started("tables", str(tmp_path), wrapped="2>&-")
    assert (missing.returncode, b"has no manifest.json" in missing.stdout) == (2, True)


def test_what_is_no_terminal_gets_the_text_whatever_force_color_says(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    raw = io.StringIO()
    monkeypatch.setattr(sys, "stdout", raw)
    print_markdown(plain_console(), "| a |\n|---|\n| **1** |\n", end="")
    assert raw.getvalue() == "| a |\n|---|\n| **1** |\n"


def test_a_file_that_cannot_be_read_is_one_line(monkeypatch, capfd):
    def refused(options: list_studies.StudiesOptions, console: Console) -> int:
        raise PermissionError(13, "Permission denied", "records/a.json")

    monkeypatch.setattr(list_studies, "studies", refused)
    assert cli.main(["studies"]) == 2
    assert capfd.readouterr().err == "benchmark: records/a.json: Permission denied\n"


# Narrow terminals ---------------------------------------------------------------------------------------------


def rendered(text: str, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, soft_wrap=True)
    print_markdown(console, text)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


def test_columns_without_room_come_below_behind_the_first_one():
    text = "| d | first name | 0.12345 |\n|---|---|---|\n| 2 | **1.5** ±0.25 | 1234.5678 |\n"
    wide = [line.rstrip() for line in rendered(text, 30).splitlines() if line.strip()]
    assert wide == ["d  first name  0.12345", "────────────────────────", "2  1.5 ±0.25   1234.5678"]
    narrow = [line.rstrip() for line in rendered(text, 10).splitlines() if line.strip()]
    assert narrow[:5] == ["   first", "d  name", "──────────", "2  1.5", "   ±0.25"]
    assert narrow[5:] == ["d  0.12345", "────────────", "2  1234.5678"]


NUMBER = re.compile(r"\d[\d.,]*")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return shutil.copytree(STUDY, tmp_path_factory.mktemp("narrow") / "study")


@pytest.mark.parametrize(
    "command",
    [
        ("tables", "{study}"),
        ("status", "{study}"),
        ("verdict", "{study}"),
        ("compare", "{study}", str(ROOT / "results" / "reference" / "laptop-calibrated"), "--all"),
        ("errata",),
        pytest.param(
            ("verdict", "{study}", str(ROOT / "results" / "reference" / "laptop-calibrated")), marks=pytest.mark.slow
        ),
        pytest.param(("controls", "{controls}"), marks=pytest.mark.slow),
        ("methods",),
        ("methods", "hgmvae_g"),
        ("studies",),
    ],
    ids=lambda command: command[0],
)
def test_no_command_cuts_a_number_in_a_narrow_terminal(command, study, tmp_path):
    if "{controls}" in command:
        shutil.copytree(ROOT / "results" / "reference" / "laptop-controls", tmp_path / "controls")
    arguments = [part.format(study=study, controls=tmp_path / "controls") for part in command]
    read = build_parser().parse_args(arguments)

    def said(**how) -> str:
        console = Console(file=io.StringIO(), soft_wrap=True, markup=False, highlight=False, color_system=None, **how)
        carry_out(read, console)
        return re.sub(r"\x1b\[[0-9;?]*\w", "", console.file.getvalue())

    wide = re.sub(r"(?m)^.*, \d+ s$", "", said())  # a busy machine takes so long that lines with the time come
    whole = set(NUMBER.findall(wide))
    assert whole
    for width in (40,) if len(command) > 2 or command[0] == "controls" else (80, 40):  # these take seconds
        narrow = said(width=width, force_terminal=True)
        assert "…" not in narrow or "…" in wide
        assert whole <= set(NUMBER.findall(narrow))


def test_status_in_a_narrow_terminal_names_every_state(study):
    console = Console(file=io.StringIO(), width=40, force_terminal=True, color_system=None, soft_wrap=True)
    status(StatusOptions(out=study), console)
    text = console.file.getvalue()
    assert all(word in text for word in ("trials", "diverged", "queued", "running"))
    assert all(len(line.rstrip()) <= 40 for line in text.splitlines() if "Table" in line)
