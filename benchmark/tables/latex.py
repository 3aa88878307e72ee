r"""LaTeX of the tables: long tables with booktabs rules, to \input under \usepackage{array,booktabs,color,longtable}.

The columns of numbers share the part of \linewidth that the headings leave, so that a table is never wider than the
page, and long tables break between rows; the layout is intended for landscape pages.
"""

from collections.abc import Iterable, Mapping, Sequence

from benchmark.metrics import METRICS
from benchmark.tables.captions import NEAR_BEST, facts, legend, metric_heading
from benchmark.tables.latex_escape import escape
from benchmark.tables.layout import ABSENT, Row, Table, TableCell
from benchmark.text import number

RANK_COMMANDS: Mapping[int | None, str] = {1: r"\textbf{%s}", 2: r"\underline{%s}"}
RANK_LEGEND = r"\textbf{Best} and \underline{second best} of our means."
HEADING_MM = {"Data set": 24, "Metric": 22, "Model": 30, "d": 8}
KEEP_TOGETHER = 10  # groups of up to this many rows are not broken across pages

DOCUMENT_HEAD = r"""\documentclass[10pt,a4paper,landscape]{article}
\usepackage[margin=15mm]{geometry}
\usepackage{array,booktabs,color,longtable}
\pagestyle{plain}
\begin{document}
"""


def latex_number(value: float, decimals: int) -> str:
    """Format a number like `number`, with a true minus sign."""
    return number(value, decimals).replace("-", "$-$")


def cell_latex(cell: TableCell | None, table: Table, metric: str) -> str:
    """Write one cell: mean, standard deviation and marks, and on a second line the paper's value in grey parentheses.

    Args:
        cell: The cell; None if the study does not ask for it.
        table: Its table, which determines the letters of footnotes.
        metric: Its metric, which determines the decimals.
    """
    if cell is None:
        return escape(ABSENT)
    decimals = METRICS[metric].decimals
    if cell.mean is not None:
        text = RANK_COMMANDS.get(cell.rank, "%s") % latex_number(cell.mean, decimals)
        if cell.std is not None:
            text += rf" {{\scriptsize$\pm$\,{latex_number(cell.std, decimals)}}}"
        if cell.near_best:
            text += rf" {escape(NEAR_BEST)}"
        if len(cell.values) < cell.asked:
            text += rf" {{\scriptsize[{len(cell.values)}/{cell.asked}]}}"
    else:
        text = rf"{{\scriptsize {escape(cell.without_value)}}}"
    flags = r"$\dagger$" if cell.collapsed else ""
    letters = table.letters(cell)
    if flags or letters:
        text += rf"\textsuperscript{{{flags}{letters}}}"
    if cell.paper is not None:
        text += rf"\linebreak{{\scriptsize\textcolor[gray]{{0.4}}{{({latex_number(cell.paper, decimals)})}}}}"
    return text


def render_latex(table: Table) -> str:
    """Write a table as a group with a longtable and its footnotes, labelled tab:hgmvae-N."""
    headings = _heading_names(table)
    columns = [_column_heading(table, column) for column in table.columns]
    head = [*headings, *columns]
    return long_table(
        rf"\caption[{escape(table.paper.title)}]{{{_caption(table)}}}\label{{tab:hgmvae-{table.paper.number}}}\\",
        _column_types(headings, len(columns)),
        head,
        _body(table, headings),
        setup=r"\setlength{\tabcolsep}{3pt}",
        continued=[rf"\multicolumn{{{len(head)}}}{{l}}{{Table~\thetable{{}}, continued}}\\"],
        after=_footnotes(table),
    )


def long_table(
    caption: str,
    columns: str,
    head: Sequence[str],
    body: Iterable[str],
    setup: str = "",
    continued: Sequence[str] = (),
    after: Sequence[str] = (),
) -> str:
    """Write a group with a longtable, whose headings are repeated on every page; all arguments are LaTeX.

    Args:
        caption: The caption, with its label.
        columns: The column specification.
        head: The headings.
        body: The lines of the body.
        setup: Settings that apply within the group.
        continued: Lines above the headings of further pages.
        after: Lines below the table.
    """
    headings = [r"\toprule", " & ".join(head) + r"\\", r"\midrule"]
    return "\n".join(
        [
            r"% Needs \usepackage{array,booktabs,color,longtable} and a landscape page.",
            rf"\begingroup\footnotesize{setup}\setlength{{\LTcapwidth}}{{\linewidth}}",
            rf"\begin{{longtable}}{{{columns}}}",
            caption,
            *headings,
            r"\endfirsthead",
            *continued,
            *headings,
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *body,
            r"\end{longtable}",
            *after,
            r"\endgroup",
            "",
        ]
    )


def render_document(tables: Sequence[Table]) -> str:
    r"""Write a stand-alone document that \inputs table<N>.tex for each table, with the paper's table numbers."""
    inputs = "\\clearpage\n".join(
        f"\\setcounter{{table}}{{{table.paper.number - 1}}}\n\\input{{table{table.paper.number}.tex}}\n"
        for table in tables
    )
    return DOCUMENT_HEAD + inputs + "\\end{document}\n"


def _heading_names(table: Table) -> list[str]:
    if table.dims_across:
        return ["Data set", "Metric", "Model"]
    return ["Data set", *(["d"] if len(table.latent_dims) > 1 else []), "Metric"]


def _headings(table: Table, row: Row) -> dict[str, str]:
    return {
        "Data set": table.manifest.marked_label(row.dataset),
        "d": str(row.latent_dim),
        "Metric": metric_heading(row.metric),
        "Model": table.manifest.method_label(row.method) if row.method else "",
    }


def _column_types(headings: list[str], columns: int) -> str:
    fixed = sum(HEADING_MM[name] for name in headings)
    # Every column has \tabcolsep on both sides, except at the table's two outer edges.
    separators = 2 * (len(headings) + columns) - 2
    width = rf"\dimexpr(\linewidth-{fixed}mm-{separators}\tabcolsep)/{columns}\relax"
    heads = "".join(rf">{{\raggedright\arraybackslash}}p{{{HEADING_MM[name]}mm}}" for name in headings)
    return rf"@{{}}{heads}*{{{columns}}}{{>{{\centering\arraybackslash}}p{{{width}}}}}@{{}}"


def _column_heading(table: Table, column: int | str) -> str:
    if table.dims_across:
        return f"$d = {column}$"
    return escape(table.manifest.method_label(str(column)), breakable=True)


def _caption(table: Table) -> str:
    plain = [escape(sentence, breakable=True) for sentence in (*facts(table), *legend(table))]
    return " ".join([*plain, RANK_LEGEND])


def _body(table: Table, headings: list[str]) -> list[str]:
    groups = [table.group(row) for row in table.rows]
    lines = []
    for position, row in enumerate(table.rows):
        group = groups[position]
        first = position == 0 or groups[position - 1] != group
        last = position + 1 == len(groups) or groups[position + 1] != group
        if first and position:
            lines.append(r"\addlinespace[6pt]")  # a rule here would double the one at the end of a page
        texts = _headings(table, row)
        innermost = headings[-1]  # the others are written only in a group's first row
        shown = [escape(texts[name], breakable=True) if first or name == innermost else "" for name in headings]
        cells = [cell_latex(table.cell(row, column), table, row.metric) for column in table.columns]
        together = not last and groups.count(group) <= KEEP_TOGETHER
        lines.append(" & ".join([*shown, *cells]) + (r"\\*" if together else r"\\"))
    return lines


def _footnotes(table: Table) -> list[str]:
    if not table.footnotes:
        return []
    notes = [
        rf"\noindent\textsuperscript{{{letter}}} {escape(text, breakable=True)}\par"
        for text, letter in table.footnotes.items()
    ]
    return [r"{\scriptsize\raggedright", *notes, "}"]
