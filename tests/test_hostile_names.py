"""Names and reasons that mean something to LaTeX, Markdown, HTML, a spreadsheet or a terminal."""

import csv
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from test_hostile_results import call, made_record, made_study  # noqa: F401

from benchmark.cli import main
from benchmark.throughput import metric_times

TAG = "<script>alert(1)</script>"
SIGNS = f"\\input{{/x}} $x_1$ #1 ~ ^ 50% & |pipe| *star* `tick` [a](b) {TAG}"


@pytest.mark.parametrize(
    "name",
    [
        "=cmd|calc",
        "+a",
        "-a",
        "@a",
        "\ta",
        "a|b",
        "a b",
        "a&b",
        "<b>",
        "a.b",
        "..",
        "a/b",
        "a\\b",
        "é",
        "a\n",
        "٣",
        "a%b",
    ],
)
def test_a_name_of_an_own_set_is_letters_digits_and_two_signs(tmp_path, capfd, name):
    (tmp_path / "data").mkdir()
    arguments = ["plan", "--only", f"dataset={name.strip() or name}", "--data-dir", str(tmp_path / "data")]
    if name.strip() == "a":  # --only forgives blanks around a value
        name, arguments[2] = "a\nb", "dataset=a\nb"
    assert main(arguments) == 2
    error = capfd.readouterr().err
    assert "a name is made of letters, digits, '_' and '-'" in error and len(error.strip().splitlines()) == 1
    assert repr(name)[1:-1].strip("\\nt ") in error


def test_the_boldest_name_allowed_goes_through_plan(tmp_path, capfd, monkeypatch):
    made = metric_times._images
    monkeypatch.setattr(metric_times, "_images", lambda n: made(min(n, 8)))  # which its forecast is measured with
    name = "0_-__A--"
    np.savez(tmp_path / f"{name}.npz", x=np.arange(300 * 784, dtype=np.uint8).reshape(300, 28, 28))
    command = ["plan", "--study", "laptop", "--only", f"dataset={name},method=vae,table=3", "--device", "cpu"]
    assert main([*command, "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert name in capfd.readouterr().out


@pytest.fixture
def signs(tmp_path):
    """A study whose labels, marks, notes and reasons are all SIGNS, one seed failed."""
    failed = made_record(0) | {"status": "failed", "reason": SIGNS}
    made_study(tmp_path, {0: json.dumps(failed)})
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest |= {"study": SIGNS, "weight_set": SIGNS, "notes": [SIGNS], "marks": {"mnist": [SIGNS]}}
    manifest |= {"method_labels": {"vae": SIGNS}, "dataset_labels": {"mnist": SIGNS}}
    path.write_text(json.dumps(manifest))
    return tmp_path


def test_signs_are_escaped_in_latex_and_markdown(signs, call):  # noqa: F811
    status, _, error = call("tables", signs)
    assert (status, error) == (3, "")
    latex = (signs / "tables" / "table2.tex").read_text()
    assert "\\input{" not in latex and "$x_1$" not in latex and "#1" not in latex.replace("\\#1", "")
    unbroken = latex.replace("\\allowbreak{}", "")
    assert (
        unbroken.count("\\textbackslash{}input\\{/x\\} \\$x\\_1\\$ \\#1") >= 5
    )  # study, weights, notes, labels, reason
    assert not re.search(r"(?<!\\)(50%|&amp)", latex)
    markdown = (signs / "tables" / "tables.md").read_text()
    assert not re.search(r"(?<!\\)<script|(?<!\\)\|pipe|(?<!\\)`tick", markdown)
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert blocks and all(len({len(re.findall(r"(?<!\\)\|", line)) for line in b.splitlines()}) == 1 for b in blocks)


def test_signs_are_text_in_the_report_and_escaped_in_verdicts(signs, call):  # noqa: F811
    status, _, error = call("report", signs)
    assert (status, error) == (0, "")
    page = (signs / "report.html").read_text()
    assert TAG not in page and page.count("<script") == 1 and "&lt;script&gt;" in page
    assert 'href="b"' not in page  # a card's Markdown would have made a link of [a](b)
    status, out, error = call("verdict", signs)
    assert (status, error) == (0, "") and not re.search(r"(?<!\\)<script", out)
    for path in (signs / "verdicts").glob("*.tex"):
        assert "\\input{/x}" not in path.read_text()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_signs_compile(signs, call):  # noqa: F811
    call("tables", signs)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=signs / "tables", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout[-500:]


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_our_csvs_is_a_formula(tmp_path, call, formula):  # noqa: F811
    """Text that a user or a library chose: labels are not in the CSVs, names, reasons, notes and marks are."""
    failed = made_record(0) | {"status": "failed", "reason": formula}
    made_study(tmp_path, {0: json.dumps(failed)})
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text()) | {"study": formula, "notes": [formula], "marks": {"mnist": [formula]}}
    path.write_text(json.dumps(manifest))
    assert call("tables", tmp_path)[0] == 3 and call("verdict", tmp_path)[0] == 0
    files = [*(tmp_path / "tables").glob("*.csv"), *(tmp_path / "verdicts").glob("*.csv")]
    assert len(files) == 8
    for file in files:
        with file.open(newline="", encoding="utf-8") as stream:
            cells = {cell for row in csv.reader(stream) for cell in row}
        number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
        assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") and not number.fullmatch(cell)], file.name


def test_a_label_with_line_ends_breaks_no_table(tmp_path, call):  # noqa: F811
    made_study(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text()) | {"method_labels": {"vae": "V\nA|E\r\n# head"}}
    path.write_text(json.dumps(manifest))
    assert call("tables", tmp_path)[0] == 0
    markdown = (tmp_path / "tables" / "tables.md").read_text()
    assert "\n# head" not in markdown and [
        line for line in markdown.splitlines() if line.startswith("| V A\\|E # head")
    ]


def test_a_reason_sends_no_commands_to_a_terminal(tmp_path, call):  # noqa: F811
    """Such as those that set its title or colours, from a library's message."""
    failed = made_record(0) | {"status": "failed", "reason": "\x1b]0;owned\x07\x1b[31mred\x08"}
    made_study(tmp_path, {0: json.dumps(failed)})
    status, out, error = call("tables", tmp_path)
    assert status == 3 and error == "" and "red" in out
    assert not set(out) & {"\x1b", "\x07", "\x08"}
