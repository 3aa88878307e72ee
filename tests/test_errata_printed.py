"""A printed table read from a file or a frame, and findings as a frame."""

import pandas as pd
import pytest
from errata_samples import row

from benchmark.errata.printed import COLUMNS, Cell, Finding, Kind, findings_frame, read_cells, to_cells
from benchmark.errors import UserError
from benchmark.paper import PAPER_FOLDER, paper_numbers


def table_file(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


HEADING = ",".join(COLUMNS)


def test_cells_are_read_in_order_and_other_columns_are_ignored(tmp_path):
    path = table_file(
        tmp_path, f"note,{HEADING}\nx,1,mnist,silhouette,gmvae,2,-0.5\ny,2,mine,svm_accuracy,new,8,0.25\n"
    )
    assert read_cells(path) == (
        Cell(1, "mnist", "silhouette", "gmvae", 2, -0.5),
        Cell(2, "mine", "svm_accuracy", "new", 8, 0.25),
    )


def test_the_papers_file_and_frame_are_the_same_cells():
    cells = read_cells(PAPER_FOLDER / "tables.csv")
    assert cells == to_cells(paper_numbers()) and len(cells) == 392
    assert cells[0].name == "table1/mnist/silhouette/gmvae/2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("table,dataset,metric,method,latent_dim\n1,mnist,silhouette,gmvae,2\n", "no column value;"),
        ("metric,value\nfid,3\n", "no column table, dataset, method, latent_dim;"),
        (f"{HEADING}\n", "no row below the heading"),
        ("", "not a CSV file (No columns to parse from file)"),
        (f"{HEADING}\n1,mnist,fid,gmvae,2,3,4\n1,mnist,fid,gmvae,2,3,4,5\n", "not a CSV file"),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,3\n1,mnist,fid,gmvae,4,best\n",
            "line 3: value 'best' is not a finite number",
        ),
        (f"{HEADING}\n1,mnist,fid,gmvae,2,\n", "line 2: value '' is not a finite number"),
        (f"{HEADING}\n1,mnist,fid,gmvae,2\n", "line 2: value '' is not a finite number"),
        (f"{HEADING}\n1,mnist,fid,gmvae,2,0,143\n", "line 2: metric 'gmvae' is not one of"),  # a decimal comma
        (f"{HEADING}\n1,mnist,fid,gmvae,2,inf\n", "line 2: value 'inf' is not a finite number"),
        (f"{HEADING}\n1,mnist,FID,gmvae,2,3\n", "line 2: metric 'FID' is not one of silhouette,"),
        (f"{HEADING}\n1,mnist,fid,gmvae,two,3\n", "line 2: latent_dim 'two' is not a positive whole number"),
        (f"{HEADING}\n0,mnist,fid,gmvae,2,3\n", "line 2: table '0' is not a positive whole number"),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,3\n1,mnist,fid,gmvae,2,3\n",
            "table 1 has mnist fid gmvae 2 2 times; keep one",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(tmp_path, text, said):
    path = table_file(tmp_path, text)
    with pytest.raises(UserError) as error:
        read_cells(path)
    message = str(error.value)
    assert message.startswith(str(path)) and said in message and "\n" not in message


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent\.csv: no such file; name a CSV file with the columns table, dataset"):
        read_cells(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match=r"binary\.csv: not a CSV file"):
        read_cells(tmp_path / "binary.csv")


def test_findings_as_a_frame(tmp_path):
    a, b = row({"a": 0.5, "b": 0.4})
    frame = findings_frame(
        [Finding("beats", Kind.TIE, "So.", (a, b), 3, "n", "3.1", "q"), Finding("c", Kind.HOLDS, "S.")]
    )
    assert list(frame.columns) == [
        "check", "kind", "statement", "section", "quotation", "sentence", "cells", "comparisons",
    ]  # fmt: skip
    assert frame.values.tolist() == [
        ["beats", "tie", "n", "3.1", "q", "So.", "table1/mnist/silhouette/a/8 table1/mnist/silhouette/b/8", 3],
        ["c", "holds", "", "", "", "S.", "", 0],
    ]
    frame.to_csv(tmp_path / "f.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f.csv", keep_default_na=False), frame)
    assert findings_frame([]).dtypes["comparisons"] == "int64"
