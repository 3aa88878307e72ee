r"""LaTeX of a study's verdicts: parts to \input under \usepackage{array,booktabs,color,longtable}, and a document.

Each verdict is shown by a sign that plain LaTeX provides, followed by the word.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.methods.control_methods import ALL_METHODS
from benchmark.metrics import METRICS
from benchmark.results.manifest import Manifest
from benchmark.tables.captions import metric_heading, seed_count
from benchmark.tables.latex import DOCUMENT_HEAD, latex_number, long_table
from benchmark.tables.latex_escape import escape
from benchmark.tables.layout import ABSENT
from benchmark.verdict.cell_verdicts import Verdict
from benchmark.verdict.claim_judging import ClaimState
from benchmark.verdict.verdict_page import AGREEMENT_MEANING, VERDICT_SIGNS, caveats, counts

SIGNS: Mapping[str, str] = {
    Verdict.REPRODUCED: r"$\surd$",
    ClaimState.SUPPORTED: r"$\surd$",
    Verdict.CONTRADICTED: r"$\times$",
    ClaimState.REFUTED: r"$\times$",
    Verdict.UNDECIDED: "?",
    ClaimState.OPEN: "?",
    Verdict.OUT_OF_REACH: r"$\circ$",
    Verdict.NOT_COMPARABLE: r"$\neq$",
    Verdict.NOT_RUN: r"\textendash{}",
}
_PARTS = ("summary", "claims", "numbers")
_NUMBERS_HEADS = (
    *("Table", "Data set", "Metric", "Method", "$d$", "Paper", r"Ours: mean $\pm$ std ($n$)"),
    *("Difference", r"95\,\% interval", "Verdict"),
)
_NUMBERS_CAPTION = (
    "Each number that the paper prints, in its order, beside ours: mean ± standard deviation (ddof 1) and seeds with a "
    "value; ours minus the paper's, and the 95 % interval of that difference, in which the paper's mean of ten varies "
    "as ours would. numbers.csv has the reason of each verdict."
)
_CLAIMS_CAPTION = "The paper's claims, judged on our runs and on the paper's own numbers (means without a spread)."


def render_verdicts(
    manifest: Manifest, cells: pd.DataFrame, agreements: pd.DataFrame, claims: pd.DataFrame
) -> dict[str, str]:
    r"""Write the verdicts as LaTeX.

    Tables are labelled tab:hgmvae-verdict-PART; each caption names the study. All text that comes from data is
    escaped.

    Args:
        manifest: The study's manifest.
        cells: The result of `cell_verdicts`.
        agreements: The result of `rank_agreements`.
        claims: The result of `claims_frame`.

    Returns:
        Content by file name: summary.tex, claims.tex, numbers.tex, and verdicts.tex, a document that \inputs the
        others.
    """
    texts = {
        "summary": _summary(manifest, cells, agreements, claims),
        "claims": _claims(manifest, claims),
        "numbers": _numbers(manifest, cells),
    }
    return {f"{name}.tex": text for name, text in texts.items()} | {"verdicts.tex": _document()}


def _document() -> str:
    numbered = "\\renewcommand{\\thetable}{V\\arabic{table}}\n"  # so that no table has the number of one of the paper's
    inputs = "\\clearpage\n".join(f"\\input{{{name}.tex}}\n" for name in _PARTS)
    return f"{DOCUMENT_HEAD}{numbered}{inputs}\\end{{document}}\n"


def _summary(manifest: Manifest, cells: pd.DataFrame, agreements: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Paragraphs with the caveats, followed by the counts per table."""
    said = [rf"\noindent {_text(sentence)}\par" for sentence in caveats(manifest, cells, claims)]
    heads = ["Where", "numbers", *(f"{SIGNS[verdict]} {verdict}" for verdict in VERDICT_SIGNS), "order of the methods"]
    lines = "\n".join(
        _row([row["name"], row["total"], *(row[verdict] for verdict in VERDICT_SIGNS), _text(row["order"])])
        for row in counts(cells, agreements)
    )
    caption = f"Verdicts on the paper's numbers. {AGREEMENT_MEANING}"
    columns = rf"@{{}}l*{{{len(VERDICT_SIGNS) + 1}}}{{r}}l@{{}}"
    return "\n".join([*said, _long_table("summary", _caption(manifest, caption), columns, heads, lines)])


def _claims(manifest: Manifest, claims: pd.DataFrame) -> str:
    lines = "\\addlinespace\n".join(
        _row(
            [
                rf"\textbf{{{_text(claim.claim)}}} {_text(claim.says)}",
                _judged(claim.ours, "; ".join(filter(None, (claim.why_ours, claim.power)))),
                _judged(claim.papers, claim.why_papers),
            ]
        )
        for claim in claims.itertuples()
    )
    # Three equal columns fill the line: two \tabcolsep between each pair, none at the outer edges.
    third = _left(r"\dimexpr(\linewidth-4\tabcolsep)/3\relax")
    heads = ["Claim", "On our runs", "On the paper's own numbers"]
    return _long_table("claims", _caption(manifest, _CLAIMS_CAPTION), f"@{{}}{third * 3}@{{}}", heads, lines)


def _judged(state: str, why: str) -> str:
    return f"{SIGNS[state]} {state}: {_text(why)}"


def _numbers(manifest: Manifest, cells: pd.DataFrame) -> str:
    rankings = cells.groupby(["table", "dataset", "metric"], sort=False)
    blocks = ("\n".join(_row(_number_cells(manifest, row)) for row in part.itertuples()) for _, part in rankings)
    lines = "\n\\addlinespace\n".join(blocks)
    columns = f"@{{}}l{_left('26mm')}{_left('24mm')}{_left('36mm')}rrrrrl@{{}}"
    return _long_table("numbers", _caption(manifest, _NUMBERS_CAPTION), columns, _NUMBERS_HEADS, lines)


def _number_cells(manifest: Manifest, row: Any) -> list[str]:
    decimals = METRICS[row.metric].decimals
    ours = difference = interval = escape(ABSENT)
    if row.n:
        spread = "" if pd.isna(row.std) else rf" $\pm$ {latex_number(row.std, decimals)}"
        ours = f"{latex_number(row.mean, decimals)}{spread} ({row.n})"
        difference = latex_number(row.difference, decimals)
    if not pd.isna(row.difference_low):
        ends = (latex_number(end, decimals) for end in (row.difference_low, row.difference_high))
        interval = f"[{', '.join(ends)}]"
    return [
        str(row.table),
        _text(manifest.dataset_label(row.dataset)),
        _text(metric_heading(row.metric)),
        _text(manifest.method_labels.get(row.method) or ALL_METHODS[row.method].label),
        str(row.latent_dim),
        latex_number(row.paper, decimals),
        ours,
        difference,
        interval,
        f"{SIGNS[row.verdict]} {row.verdict}",
    ]


def _caption(manifest: Manifest, text: str) -> str:
    study = f"Study {manifest.study}, weight set {manifest.weight_set}, {seed_count(manifest.seeds)}."
    return _text(f"{text} {study}")


def _text(plain: str) -> str:
    return escape(plain, breakable=True)


def _left(width: str) -> str:
    """A column of this width with ragged-right text that may wrap."""
    return rf">{{\raggedright\arraybackslash}}p{{{width}}}"


def _row(cells: Sequence[object]) -> str:
    return " & ".join(map(str, cells)) + r"\\"


def _long_table(part: str, caption: str, columns: str, heads: Sequence[str], lines: str) -> str:
    return long_table(rf"\caption{{{caption}}}\label{{tab:hgmvae-verdict-{part}}}\\", columns, heads, [lines])
