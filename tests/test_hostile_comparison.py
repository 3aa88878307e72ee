"""CSVs from elsewhere: what `compare` refuses in one line, and what it shows of names that mean something to others."""

import csv
import io

import pytest

from benchmark.cli import main
from benchmark.comparison.sides import read_side
from benchmark.paper.tables import ScorePlace

HEADER = "dataset,metric,method,latent_dim,seed,value"


@pytest.fixture
def compare(tmp_path, capfd):
    """`compare(content, *options)` of a file with itself -> exit status, standard output, standard error."""

    def run(content, *options):
        file = tmp_path / "theirs.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        copy = tmp_path / "ours.csv"
        copy.write_bytes(file.read_bytes())
        status = main(["compare", str(file), str(copy), *map(str, options)])
        return status, *capfd.readouterr()

    return run


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f"{HEADER}\n{'m' * 10**6},ssim,vae,8,0,0.5", "line 2: not valid CSV (field larger than field limit"),
        (f"{HEADER}\nmnist,ssim,vae,8,0,{'9' * 10**5}", "line 2, column value: '99999"),
        (f"{HEADER}\nmnist,ssim,vae,8,0,0.5\n".encode("utf-16-le"), "line 1: not UTF-8 text; save it as UTF-8"),
        (f"{HEADER}\nmnist,ssim,vae,8,0,0.5\n".encode("utf-32"), "line 1: not UTF-8 text; save it as UTF-8"),
        (f"{HEADER}\nmnist,fid,vae,8,0,1\u202f234", "has a thousand separator or a decimal comma; write 1234.5"),
        (f"{HEADER}\nmnist,fid,vae,8,0,−0.5", "line 2, column value: '−0.5' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,0x1p3", "line 2, column value: '0x1p3' is not a number"),
        (f"{HEADER}\nmnist,fid,vae,8,0,True", "line 2, column value: 'True' is not a number"),
        (
            f'{HEADER}\n"=HYPERLINK(""a"")",fid,vae,8,0,1',
            "line 2, column dataset: '=HYPERLINK(\"a\")' would be a formula",
        ),
        (f"{HEADER}\nmnist,fid,-vae,8,0,1", "line 2, column method: '-vae' would be a formula in a spreadsheet"),
        (f'{HEADER}\n"mn\nist",fid,vae,8,0,1', "line 2, column dataset: "),
        (f'{HEADER}\nmnist,fid,"v\rae",8,0,1', "line 2, column method: "),
        (f"{HEADER}\nmnist,fid,v\x1bae,8,0,1", "line 2, column method: "),
        (f"{HEADER}\nmnist,fid,\u202eeav,8,0,1", "line 2, column method: "),
        (HEADER.replace("metric,", "") + "\nmnist,vae,8,0,1", "line 1: no column metric"),
        ("\n\n\n", "line 1: the file is empty"),
    ],
    ids=range(16),
)
def test_a_hostile_csv_is_one_line_of_the_command(compare, content, fault):
    status, out, error = compare(content)
    assert status == 2 and out == ""
    assert error.startswith("benchmark: ") and "theirs.csv, line " in error and fault in error
    assert len(error.splitlines()) == 1 and len(error) < 500


NAMES = ["a|b", "<script>alert(1)</script>", "\\input{x}", "50%_[of] *A* & `B`", "![i](u)", "日本"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_others_stand_in_markdown_and_csv_as_they_are(compare, tmp_path, name):
    row = io.StringIO()
    csv.writer(row).writerow([name, "ssim", name, 8, 0, 0.5])
    status, out, error = compare(f"{HEADER}\n{row.getvalue()}", "--all", "--out", tmp_path / "cells.csv")
    assert (status, error) == (0, "")
    assert read_side(tmp_path / "theirs.csv").scores.keys() == {ScorePlace(name, "ssim", name, 8)}
    assert "<script>" not in out.replace("\\<", "") and len({line.count(" | ") for line in out.splitlines()}) < 5
    with open(tmp_path / "cells.csv", newline="", encoding="utf-8") as stream:
        [cell] = csv.DictReader(stream)
    assert (cell["dataset"], cell["method"], cell["result"]) == (name, name, "equal")


def test_scores_at_the_end_of_floats_are_refused_and_large_ones_compared_without_a_warning(compare):
    status, out, error = compare(f"{HEADER}\nmnist,fid,vae,8,0,1e308")
    assert (status, out, error.count("\n")) == (2, "", 1) and "column value: '1e308' is too large" in error
    status, out, error = compare(f"{HEADER}\nmnist,fid,vae,8,0,1e100\nmnist,fid,vae,8,1,9e99")
    assert (status, error) == (0, "") and out.endswith("Same: all 1 cells are equal but for rounding.\n")


def test_a_tiny_or_subnormal_score_is_equal_to_itself(compare):
    status, out, error = compare(f"{HEADER}\nmnist,fid,vae,8,0,5e-324\nmnist,fid,vae,8,1,-0.0")
    assert (status, error) == (0, "") and "| equal" in out


def test_a_file_of_many_rows_with_one_twice_names_both(compare):
    rows = [f"mnist,ssim,vae,8,{seed},0.5" for seed in range(2000)]
    status, _, error = compare("\n".join([HEADER, *rows, rows[1234]]))
    assert status == 2 and "line 2002, column seed: the same score as line 1236; remove one" in error
