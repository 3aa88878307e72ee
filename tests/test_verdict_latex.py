"""LaTeX of the verdicts: every printed number in the paper's order, signs beside words, and a LaTeX run."""

import re
import shutil
import subprocess

import pytest
from study_samples import ODD_NAME, sample, study_results
from verdict_samples import LAPTOP, claims_of, every_verdict, laptop

from benchmark.cli import main
from benchmark.metrics import METRICS
from benchmark.paper.tables import DATASET_LABELS, paper_numbers
from benchmark.tables.latex_escape import escape
from benchmark.verdict.cell_verdicts import Verdict, cell_verdicts, rank_agreements
from benchmark.verdict.claim_judging import ClaimState
from benchmark.verdict.verdict_latex import SIGNS, render_verdicts

HOSTILE = r"50%_of [A&B] {x} $y$ \z ~^# <日> " + "w" * 60
NONE = r"\textendash{}"


def texts_of(study):
    return render_verdicts(study.manifest, cell_verdicts(study), rank_agreements(study), claims_of(study))


def rows_of(text):
    """The cells of a part's rows, without its heads; rules and gaps between rows left out."""
    body = text.partition("\\endfoot\n")[2].partition("\\end{longtable}")[0]
    lines = (line.removesuffix(r"\\") for line in body.splitlines() if line != r"\addlinespace")
    return [line.removesuffix(r"\\\addlinespace").split(" & ") for line in lines]


def clean(latex):
    return latex.replace(r"\allowbreak{}", "")


@pytest.fixture(scope="module")
def laptop_texts():
    return texts_of(study_results(*laptop()))


@pytest.fixture(scope="module")
def five_texts():
    return texts_of(study_results(*every_verdict()))


def test_every_word_has_a_sign_that_needs_no_package():
    assert set(SIGNS) == {*Verdict, *ClaimState}
    assert SIGNS["reproduced"] == SIGNS["supported"] == r"$\surd$"
    assert len({SIGNS[verdict] for verdict in Verdict}) == len(Verdict)


@pytest.mark.parametrize("made", ["laptop_texts", "five_texts"])
def test_the_numbers_are_the_papers_in_its_order(made, request):
    rows = rows_of(request.getfixturevalue(made)["numbers.tex"])
    assert len(rows) == 392 and {len(row) for row in rows} == {10}
    for row, printed in zip(rows, paper_numbers().itertuples(), strict=True):
        assert (row[0], row[4]) == (str(printed.table), str(printed.latent_dim))
        assert row[5].replace("$-$", "-") == f"{printed.value:.{METRICS[printed.metric].decimals}f}"
        assert clean(row[1]) == DATASET_LABELS[printed.dataset]
        assert clean(row[2]).split()[0] == METRICS[printed.metric].label.split()[0]


def test_each_verdict_stands_as_sign_and_word(five_texts):
    rows = rows_of(five_texts["numbers.tex"])
    assert {row[9] for row in rows} == {f"{SIGNS[verdict]} {verdict}" for verdict in Verdict}
    by_place = {tuple(row[:5]): row[5:] for row in rows}
    silhouette = ("1", "MNIST", r"SC $\uparrow$")
    # Ten values of the printed 0.404 -+ 0.001: their std is 0.001 * sqrt(10 / 9); the interval half a unit (0.0005)
    # beyond 2.262 * std * sqrt(2 / 10) on either side.
    assert by_place[*silhouette, "GMVAE", "8"] == [
        *("0.404", r"0.404 $\pm$ 0.001 (10)", "0.000", "[$-$0.002, 0.002]", r"$\surd$ reproduced")
    ]
    assert by_place[*silhouette, r"HGMVAE-\allowbreak{}G", "8"][2:] == [
        "0.200",
        "[0.198, 0.202]",
        r"$\times$ contradicted",
    ]
    assert by_place[*silhouette, "GMVAE", "2"] == ["0.143", NONE, NONE, NONE, rf"{NONE} not run"]
    gone = by_place["1", "MNIST", r"CH $\uparrow$", "GMVAE", "8"]
    assert gone[:3] == ["3428.8", r"1.0 $\pm$ 0.0 (10)", "$-$3427.8"]


def test_one_value_has_neither_spread_nor_interval():
    study, records = every_verdict()
    for one in study["cells"]:
        one["keys"] = {"3": one["keys"]["3"]}
    rows = rows_of(texts_of(study_results(study | {"seeds": 1}, records))["numbers.tex"])
    [row] = [row for row in rows if row[1:5] == ["MNIST", r"SC $\uparrow$", "GMVAE", "8"] and row[0] == "1"]
    assert row[6:] == ["0.405 (1)", "0.001", NONE, "? undecided"]


def test_the_summary_has_what_must_be_known_first_then_the_counts(laptop_texts):
    text = laptop_texts["summary.tex"]
    head, table = text.split(r"\begin{longtable}")
    assert r"\noindent CelebA: a subset of the images.\par" in head
    assert "at most 8,000 training images;" in head and "3 seeds, the paper has 10" in head
    assert "weight set default, 3 seeds." in table
    cells = cell_verdicts(study_results(*laptop()))
    rows = rows_of(text)
    assert [row[:2] for row in rows[:6]] == [
        *([f"Table {number}", str(total)] for number, total in enumerate((63, 16, 128, 105, 80), 1)),
        ["All as printed", "392"],
    ]
    for row, (_, part) in zip(rows, cells.groupby("table"), strict=False):
        by_name = part["verdict"].value_counts()
        named = ("reproduced", "contradicted", "undecided", "out of reach", "not comparable", "not run")
        assert row[2:8] == [str(by_name.get(name, 0)) for name in named]
        assert re.fullmatch(r"-?0\.\d\d \{\[\}-?[01]\.\d\d, -?[01]\.\d\d\{\]\}, \d+ of \d+ rankings", clean(row[8]))
    heads = f"{SIGNS['reproduced']} reproduced & {SIGNS['contradicted']} contradicted"
    assert table.count(heads) == 2  # on the first page, and on those that follow


@pytest.mark.parametrize("run, states", [("laptop-cpu", set(ClaimState)), ("laptop-ten-seeds", {"open"})])
def test_the_claims_have_both_states_with_reasons_and_power(run, states):
    claims = claims_of(study_results(*laptop(run)))
    rows = rows_of(texts_of(study_results(*laptop(run)))["claims.tex"])
    assert len(rows) == len(claims) == 9
    for row, claim in zip(rows, claims.itertuples(), strict=True):
        power = f"; {claim.power}" if claim.power else ""
        assert clean(row[0]).startswith(rf"\textbf{{{claim.claim}}} ")
        assert clean(row[1]) == f"{SIGNS[claim.ours]} {claim.ours}: {clean(escape(claim.why_ours + power))}"
        assert clean(row[2]) == f"{SIGNS[claim.papers]} {claim.papers}: {clean(escape(claim.why_papers))}"
    assert set(claims["ours"]) == states and set(claims["papers"]) == {"supported", "open"}


def hostile():
    study, records = sample()
    study |= {"study": HOSTILE, "notes": [HOSTILE], "weight_set": HOSTILE, "dataset_labels": {"mnist": HOSTILE}}
    study["method_labels"] |= {"gmvae": HOSTILE}
    study["marks"] |= {"mnist": [HOSTILE], ODD_NAME: ["subset"]}
    return study, records


def test_data_cannot_become_markup():
    texts = texts_of(study_results(*hostile()))
    safe = r"50\%\_of {[}A\&B{]} \{x\} \$y\$ \textbackslash{}z \textasciitilde{}\textasciicircum{}\# $<${[}U+65E5{]}$>$"
    for name, times in {"summary.tex": 3, "claims.tex": 2, "numbers.tex": 60}.items():
        assert clean(texts[name]).count(safe) >= times, name
        assert HOSTILE[:12] not in clean(texts[name])
    assert r"50\%\_of {[}A\&B{]}: a subset of the images." in clean(texts["summary.tex"])
    # A method that the manifest has no label for has that of benchmark.methods.registry.
    assert r"beta-VAE" in clean(texts["numbers.tex"]) and "beta_vae" not in texts["numbers.tex"]


def test_the_document_holds_every_part(laptop_texts):
    assert list(laptop_texts) == ["summary.tex", "claims.tex", "numbers.tex", "verdicts.tex"]
    assert re.findall(r"\\input\{(.*?)\}", laptop_texts["verdicts.tex"]) == ["summary.tex", "claims.tex", "numbers.tex"]
    packages = re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", laptop_texts["verdicts.tex"])
    assert packages == ["geometry", "array,booktabs,color,longtable"]


def _missing_latex():
    if not shutil.which("pdflatex"):
        return "pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)"
    for style in ("booktabs", "longtable", "array", "color", "geometry"):
        if subprocess.run(["kpsewhich", f"{style}.sty"], capture_output=True).returncode:
            return f"this TeX lacks {style}.sty (Debian: texlive-latex-recommended)"
    return None


MISSING_LATEX = _missing_latex()


def compiled(folder):
    """The log of two runs (longtable settles its columns in the second)."""
    for _ in range(2):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "verdicts.tex"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
        )
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "verdicts.log").read_text("utf-8", errors="replace")


def overfull(log):
    return [float(points) for points in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log)]


@pytest.mark.skipif(MISSING_LATEX is not None, reason=MISSING_LATEX or "")
@pytest.mark.parametrize("make", [laptop, every_verdict, hostile])
def test_verdicts_tex_compiles_and_stays_on_the_page(make, tmp_path):
    for name, text in texts_of(study_results(*make())).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    log = compiled(tmp_path)
    assert max(overfull(log), default=0.0) <= 5.0
    assert "Missing character" not in log
    [pages] = re.findall(r"Output written on verdicts\.pdf \((\d+) pages", log)
    assert int(pages) >= 9  # 392 rows


@pytest.mark.skipif(MISSING_LATEX is not None, reason=MISSING_LATEX or "")
def test_a_table_too_wide_is_noticed(tmp_path):
    for name, text in texts_of(study_results(*every_verdict())).items():
        (tmp_path / name).write_text(text.replace("{36mm}", "{150mm}"), encoding="utf-8")
    assert max(overfull(compiled(tmp_path))) > 100


def test_the_command_writes_them_beside_the_csv(tmp_path, laptop_texts):
    shutil.copytree(LAPTOP, tmp_path / "out", ignore=shutil.ignore_patterns("verdicts", "tables", "figures"))
    assert main(["verdict", str(tmp_path / "out")]) == 0
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "out" / "verdicts").glob("*.tex")}
    assert written == laptop_texts
