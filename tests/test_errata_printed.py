"""A printed table read from a file or a frame, and findings as a frame."""

import pandas as pd
import pytest
from errata_samples import cells_of, row

from benchmark.errata.findings_frame import findings_frame
from benchmark.errata.printed_cells import Finding, FindingKind, read_cells
from benchmark.errors import UserError
from benchmark.paper.tables import COLUMNS, PAPER_FOLDER, PrintedCell, paper_numbers


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
        PrintedCell(1, "mnist", "silhouette", "gmvae", 2, -0.5),
        PrintedCell(2, "mine", "svm_accuracy", "new", 8, 0.25),
    )


def test_names_as_printed_are_the_suites_and_a_row_without_a_value_is_left_out(tmp_path):
    path = table_file(
        tmp_path,
        "Table;Dataset;Metrics;Model;L-dim.;Value;\n1;MNIST;SC ↑;HGMVAE-G;2;-0.5;=A1\n1;MNIST;SC ↑;HGMVAE-U;2;—;\n"
        "4;MNIST;DB↓;HGMVAE-G w/o F_{reg};2;7.558;\n;;;;;;\n",
    )
    said = []
    assert read_cells(path, said.append) == (
        PrintedCell(1, "mnist", "silhouette", "hgmvae_g", 2, -0.5),
        PrintedCell(4, "mnist", "davies_bouldin", "hgmvae_g_no_fisher", 2, 7.558),
    )
    assert said == [
        f"{path}: rows without a value, ignored: 1",
        f"{path}: read MNIST as mnist, SC ↑ as silhouette, DB↓ as davies_bouldin, HGMVAE-G as hgmvae_g, "
        "HGMVAE-G w/o F_{reg} as hgmvae_g_no_fisher",
    ]


def test_the_papers_file_and_frame_are_the_same_cells():
    cells = read_cells(PAPER_FOLDER / "tables.csv")
    assert cells == cells_of(paper_numbers()) and len(cells) == 392
    assert cells[0].name == "table1/mnist/silhouette/gmvae/2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("table,dataset,metric,method,latent_dim\n1,mnist,silhouette,gmvae,2\n", "no column value;"),
        ("metric,value\nfid,3\n", "no column table, dataset, method, latent_dim;"),
        (f"{HEADING}\n", "no row with a value below the heading"),
        ("", "line 1: the file is empty"),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,3,4\n1,mnist,fid,gmvae,2,3,4,5\n",
            "line 2, column value: 7 cells, but the header has",
        ),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,3\n1,mnist,fid,gmvae,4,best\n",
            "line 3, column value: 'best' is not a number",
        ),
        (f"{HEADING}\n1,mnist,fid,gmvae,2,\n", "no row with a value below the heading"),
        (f"{HEADING}\n1,mnist,fid,gmvae,2\n", "line 2, column value: 5 cells, but the header has 6"),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,0,143\n",
            "line 2, column value: 7 cells, but the header has",
        ),  # a decimal comma
        (f"{HEADING}\n1,mnist,fid,gmvae,2,inf\n", "line 2, column value: 'inf' is not a number"),
        (f'{HEADING}\n1,mnist,fid,gmvae,2,"1,234"\n', "line 2, column value: '1,234' has a thousand separator"),
        (f"{HEADING}\n1,mnist,fid,gmvae,2,1_000\n", "line 2, column value: '1_000' has a thousand separator"),
        (f"{HEADING}\n1,mnist,FIDs,gmvae,2,3\n", "line 2, column metric: 'FIDs' is unknown; there are silhouette,"),
        (f"{HEADING}\n1,mnist,FIDs,gmvae,2,3\n", "; did you mean fid?"),
        (f"{HEADING}\n1,mnist,fid,gmvae,two,3\n", "line 2, column latent_dim: 'two' is not an integer"),
        (
            f"{HEADING}\n0,mnist,fid,gmvae,2,3\n",
            "line 2, column table: '0' is not an integer of at most nine digits, 1",
        ),
        (
            f"{HEADING}\n1,mnist,fid,gmvae,2,3\n1,mnist,fid,gmvae,2,3\n",
            "line 3: table 1 has mnist fid gmvae 2 in line 2 too; keep one",
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
    with pytest.raises(UserError, match=r"binary\.csv, line 1: not UTF-8 text"):
        read_cells(tmp_path / "binary.csv")


def test_findings_as_a_frame(tmp_path):
    a, b = row({"a": 0.5, "b": 0.4})
    frame = findings_frame(
        [Finding("beats", FindingKind.TIE, "So.", (a, b), 3, "n", "3.1", "q"), Finding("c", FindingKind.HOLDS, "S.")]
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
