"""The files: golden copies, pandas read-back, the same bytes again, and a LaTeX run.

The golden copies lie in tests/golden/tables; after an intended change they are made anew by
    PYTHONPATH=.:tests python -c "import study_samples as s; from benchmark.tables.table_files import write_tables;
    write_tables(s.study_results(*s.sample()), 'tests/golden/tables')"
and read through before they are committed.
"""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_samples import ODD_NAME, cell, clustering, manifest, record, sample, study_results

from benchmark.errors import UserError
from benchmark.table_specs import TABLES
from benchmark.tables.latex_escape import escape
from benchmark.tables.layout import build_tables
from benchmark.tables.markdown import render_text
from benchmark.tables.pipe_table import escape_markdown
from benchmark.tables.table_files import write_tables

GOLDEN = Path(__file__).parent / "golden" / "tables"
NAMES = [
    *("table1.csv", "table1_seeds.csv", "table1.tex"),
    *("table3.csv", "table3_seeds.csv", "table3.tex"),
    *("tables.tex", "tables.md"),
]


@pytest.fixture
def written(tmp_path):
    return {path.name: path for path in write_tables(study_results(*sample()), tmp_path / "out")}


def test_the_files_of_the_sample(written, tmp_path):
    assert list(written) == NAMES
    # Nothing else is left behind, not even a temporary file.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_golden(written, name):
    assert written[name].read_text("utf-8") == (GOLDEN / name).read_text("utf-8")


def test_the_same_records_give_the_same_bytes_whatever_their_order(written, tmp_path):
    study, records = sample()
    again = write_tables(study_results(study, dict(reversed(records.items()))), tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written.values()]


def test_pandas_reads_the_wide_form_back(written):
    wide = pd.read_csv(written["table1.csv"])
    row = wide[(wide["metric"] == "silhouette") & (wide["method"] == "hgmvae_g")].iloc[0]
    assert row["d8_mean"] == 0.5 and row["d8_std"] == pytest.approx(np.std([0.25, 0.75], ddof=1))
    assert (row["d8_n"], row["d8_state"], row["d8_collapsed"]) == (2, "incomplete", 1)
    assert np.isnan(row["d8_paper"])  # for the images are drawn
    of_images = pd.read_csv(written["table3.csv"]).set_index(["dataset", "metric"])
    assert of_images.at[("celeba", "ssim"), "hgmvae_u_paper"] == 0.757
    assert np.isnan(row["d16_mean"]) and row["d16_n"] == 0 and row["d16_state"] == "not run"
    zero = wide[(wide["metric"] == "silhouette") & (wide["method"] == "gmvae")].iloc[0]
    assert zero["d8_mean"] == 0.0 and zero["d8_n"] == 3
    assert set(wide["notes"]) == {"5,000 of 60,000 training images; 2 of 10 epochs"}
    assert set(wide["marks"]) == {"procedural"} and set(wide["study"]) == {"laptop"}
    three = pd.read_csv(written["table3.csv"])
    own = three[three["dataset"] == ODD_NAME]
    assert len(own) == 4 and own["gmvae_paper"].isna().all() and set(own["hgmvae_u_state"]) == {"not asked"}


def test_pandas_reads_the_seeds_back_and_they_make_the_wide_form(written):
    seeds = pd.read_csv(written["table1_seeds.csv"])
    assert len(seeds) == 6 * 3 * 3
    wide = pd.read_csv(written["table1.csv"]).set_index(["metric", "method"])
    for (metric, method, dim), part in seeds.groupby(["metric", "method", "latent_dim"]):
        row = wide.loc[(metric, method)]
        assert part["value"].count() == row[f"d{dim}_n"]
        assert np.allclose([part["value"].mean()], [row[f"d{dim}_mean"]], rtol=1e-12, equal_nan=True)
        assert np.allclose([part["value"].std()], [row[f"d{dim}_std"]], rtol=1e-12, equal_nan=True)


def test_full_precision_survives_the_csv(tmp_path):
    value = 0.1 + 0.2
    run = record("mnist", "gmvae", 8, 0, "clustering", clustering(value, 1.0, 1.0))
    write_tables(study_results(manifest([cell(1, "mnist", "gmvae", 8, (0,))], seeds=1), {run["key"]: run}), tmp_path)
    with open(tmp_path / "table1.csv", newline="", encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    assert float(row["d8_mean"]) == value
    assert (row["d8_std"], row["d8_n"], row["d8_state"]) == ("", "1", "complete")


def test_every_face_names_the_study_and_what_it_reduced(written):
    for name, path in written.items():
        text = path.read_text("utf-8")
        if name != "tables.tex":  # holds nothing but the other files
            assert "laptop" in text and "5,000 of 60,000 training images; 2 of 10 epochs" in text, name
            assert ("procedural" if "1" in name else "subset") in text, name


def test_files_of_tables_that_the_study_no_longer_has_are_removed(written):
    folder = written["table1.csv"].parent
    (folder / "table_of_mine.csv").write_text("kept")
    write_tables(study_results(manifest([cell(1, "mnist", "gmvae", 8)]), {}), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "table1.csv", "table1.tex", "table1_seeds.csv", "table_of_mine.csv", "tables.md", "tables.tex",
    ]  # fmt: skip


def test_nothing_is_written_without_cells(tmp_path):
    assert write_tables(study_results(manifest([]), {}), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"file/.*: could not be written \(File exists\); move away the file or folder in the way"
    ):
        write_tables(study_results(*sample()), tmp_path / "file")


def test_a_failed_write_leaves_the_old_file(written, monkeypatch):
    before = written["table1.csv"].read_bytes()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UserError, match="No space left on device"):
        write_tables(study_results(manifest([cell(1, "mnist", "gmvae", 8)]), {}), written["table1.csv"].parent)
    monkeypatch.undo()
    assert written["table1.csv"].read_bytes() == before
    assert sorted(path.name for path in written["table1.csv"].parent.iterdir()) == sorted(NAMES)


def test_text_lines_of_a_table_are_equally_wide():
    for table in build_tables(study_results(*sample())):
        blocks = re.findall(r"(?:^\|.*\n)+", render_text(table), flags=re.MULTILINE)
        assert len(blocks) == 3
        for block in blocks:
            assert len({len(line) for line in block.splitlines()}) == 1


@pytest.mark.parametrize(
    ("plain", "latex"),
    [
        ("50%_of A&B", r"50\%\_of A\&B"),
        ("#1 {x} $y$", r"\#1 \{x\} \$y\$"),
        (r"a\b^c~d", r"a\textbackslash{}b\textasciicircum{}c\textasciitilde{}d"),
        ("--offline", "-{}-offline"),
        ("[x] *", "{[}x{]} {*}"),
        ("β-VAE, é, ß", r"$\beta$-VAE, \'{e}, \ss{}"),
        ("日\x07", "{[}U+65E5{]}{[}U+0007{]}"),
        ("two\n lines", "two lines"),
        ("–", r"\textendash{}"),
    ],
)
def test_latex_escape(plain, latex):
    assert escape(plain) == latex


def test_breakable_words_keep_their_letters():
    word = "weights-inception-2015-12-05_" + "x" * 40
    broken = escape(word, breakable=True)
    assert broken.replace(r"\allowbreak{}", "") == escape(word)
    assert max(len(piece) for piece in broken.split(r"\allowbreak{}")) <= 13
    assert escape("procedural", breakable=True) == "procedural"


def test_markdown_escape():
    assert escape_markdown("a|b *c* `d` <e>") == r"a\|b \*c\* \`d\` \<e\>"
    assert escape_markdown("my_data _x_") == r"my_data \_x\_"


def _all_tables(odd):
    """A full-sized study, failing in places, with an own data set and reasons full of odd characters."""
    cells, records = [], {}
    own = odd.replace("\\", "")  # the one of them that no data set's name can have
    for table in TABLES.values():
        for dataset in (*table.datasets, own):
            for position, method in enumerate(table.methods):
                for dim in table.latent_dims:
                    cells.append(cell(table.number, dataset, method, dim))
                    scores = {metric: 3210.987 if "harabasz" in metric else 0.5 for metric in table.metrics}
                    for seed in range(3):
                        run = record(dataset, method, dim, seed, table.protocol, scores)
                        if (position, seed) == (1, 1):
                            run |= {"status": "failed", "reason": f"odd: {odd}"}
                        if (position, seed) == (2, 0):
                            run |= {"health": {"active_units": 1, "collapsed": True}}
                        earlier = records.setdefault(run["key"], run)
                        earlier["metrics"] |= run["metrics"]
    marks = {"mnist": ["procedural"], "celeba": ["subset"], own: ["subset", "own_mark"]}
    return manifest(cells, marks=marks, notes=[f"a note with {odd}"]), records


def _has_latex():
    if not shutil.which("pdflatex"):
        return "pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)"
    for style in ("booktabs", "longtable", "array", "color", "geometry"):
        if subprocess.run(["kpsewhich", f"{style}.sty"], capture_output=True).returncode:
            return f"this TeX lacks {style}.sty (Debian: texlive-latex-recommended)"
    return None


@pytest.mark.skipif(_has_latex() is not None, reason=_has_latex() or "")
@pytest.mark.parametrize("which", ["sample", "all"])
def test_tables_tex_compiles_and_stays_on_the_page(which, tmp_path):
    odd = r"[é β 日 #$%&_{}~^\<>|`'] " + '"*' + "x" * 60
    study = sample() if which == "sample" else _all_tables(odd)
    write_tables(study_results(*study), tmp_path)
    for _ in range(2):  # longtable settles its columns in the second run
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
        )
        assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout
    assert "Missing character" not in (tmp_path / "tables.log").read_text("utf-8", errors="replace")
