"""Sentences held against tables made to agree and to disagree, and the file that the sentences are in."""

import json
from dataclasses import replace

import pytest
from errata_samples import row, series

from benchmark.errata import quotes
from benchmark.errata.printed_cells import FindingKind
from benchmark.errors import UserError
from benchmark.paper import statements as st

SC, CH, DB = "silhouette", "calinski_harabasz", "davies_bouldin"


def kinds(outcome):
    return [kind for kind, _, _ in outcome.against]


IMPROVED = st.PercentageImprovement(1, "mnist", SC, 8, "new", "old", "25")


@pytest.mark.parametrize(
    ("metric", "new", "old", "per_cent", "expected"),
    [
        (SC, 0.5, 0.4, "25", []),
        (SC, 0.5, 0.4, "25.4", [FindingKind.CONTRADICTION]),
        (SC, 0.5, 0.4, "25.2", []),  # 0.5004 and 0.3997, say, print as these
        (SC, 0.5, 0.4, "10", [FindingKind.CONTRADICTION]),  # points are read of accuracies alone
        ("svm_accuracy", 0.5, 0.4, "10", []),
        ("svm_accuracy", 0.5, 0.4, "25", []),
        ("svm_accuracy", 0.5, 0.4, "12", [FindingKind.CONTRADICTION]),
        ("fid", 60.0, 80.0, "25", []),
        ("fid", 60.0, 80.0, "33", [FindingKind.CONTRADICTION]),  # of the worse, not of the better number
        ("fid", 80.0, 60.0, "25", [FindingKind.CONTRADICTION]),  # right in size, wrong way round
        ("fid", 80.0, 60.0, "33", [FindingKind.CONTRADICTION, FindingKind.CONTRADICTION]),
        ("fid", 80.0, 80.0, "25", [FindingKind.TIE]),
        (SC, 0.5, 0.0, "25", [FindingKind.CONTRADICTION]),  # no share of nothing
    ],
)
def test_percentage_improvement(metric, new, old, per_cent, expected):
    claim = replace(IMPROVED, metric=metric, per_cent=per_cent)
    outcome = quotes.percentage_improvement(row({"new": new, "old": old}, metric=metric), claim)
    assert kinds(outcome) == expected and outcome.comparisons == 1


def test_percentage_improvement_needs_both_cells():
    cells = row({"new": 0.5}) + row({"old": 0.4}, dim=16) + row({"old": 0.4}, table=4)
    assert quotes.percentage_improvement(cells, IMPROVED) == quotes.NOT_IN_TABLE


def test_beats_by_the_metrics_direction():
    cells = row({"a": 0.5, "b": 0.4}) + row({"a": 0.5, "b": 0.4}, metric=DB)
    outcome = quotes.beats(cells, st.Beats(1, ("a",), ("b",)))
    assert outcome.against == (
        (FindingKind.CONTRADICTION, "Table 1, MNIST, d = 8, DB: a 0.5 is worse than b 0.4.", cells[2:]),
    )
    assert outcome.comparisons == 2
    assert quotes.beats(cells, st.Beats(1, ("a",), ("b",), metrics=(SC,))) == quotes.Outcome(
        1, (), "Table 1: a beats b in 1 of 1 comparisons.", cells[:2]
    )


def test_beats_tells_ties_from_losses():
    outcome = quotes.beats(row({"a": 0.4, "b": 0.4}), st.Beats(1, ("a",), ("b",)))
    assert outcome.against[0][:2] == (FindingKind.TIE, "Table 1, MNIST, d = 8, SC: a 0.4 only ties b 0.4.")


def test_beats_every_other_method_but_not_its_own_variants():
    cells = row({"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.45})
    outcome = quotes.beats(cells, st.Beats(1, ("a", "b")))
    assert [involved for _, _, involved in outcome.against] == [(cells[1], cells[3])] and outcome.comparisons == 4


def test_beats_with_the_better_of_the_variants():
    cells = row({"a": 0.5, "b": 0.3, "c": 0.4}) + row({"a": 0.3, "b": 0.5, "c": 0.4}, dim=16)
    claim = st.Beats(1, ("a", "b"), ("c",))
    assert kinds(quotes.beats(cells, claim)) == [FindingKind.CONTRADICTION] * 2
    better = quotes.beats(cells, replace(claim, better_of_them=True))
    assert (kinds(better), better.comparisons) == ([], 2)
    assert better.holds == "Table 1: a or b beats c in 2 of 2 comparisons."
    lacking = row({"a": 0.3, "c": 0.4})  # b might have been the better one
    assert quotes.beats(lacking, replace(claim, better_of_them=True)).comparisons == 0


def test_beats_within_its_dims_table_and_data_sets():
    cells = (
        *(cell for dim in (2, 8, 16, 32) for cell in row({"a": 0.1, "b": 0.2}, dim=dim)),
        *row({"a": 0.1, "b": 0.2}, table=2),
        *row({"a": 0.1, "b": 0.2}, dataset="celeba"),
    )
    claim = st.Beats(1, ("a",), ("b",), datasets=("mnist",))

    def dims(**limits):
        return [involved[0].latent_dim for _, _, involved in quotes.beats(cells, replace(claim, **limits)).against]

    assert dims() == [2, 8, 16, 32]
    assert dims(below_dim=16) == [2, 8]
    assert dims(from_dim=16) == [16, 32]
    assert quotes.beats(cells, replace(claim, table=3)).comparisons == 0


def test_best_in_most_counts_strict_wins():
    won = row({"a": 0.5, "b": 0.1, "c": 0.4}, dim=2) + row({"a": 0.1, "b": 0.2, "c": 0.3}, metric=DB, dim=2)
    tied = row({"a": 0.4, "b": 0.1, "c": 0.4}, dim=4)
    alone = row({"a": 0.4}, dim=8) + row({"c": 0.4}, dim=16)
    claim = st.BestInMost(1, ("a", "b"))
    most = quotes.best_in_most(won + tied + alone, claim)
    assert (most.comparisons, most.against, most.cells) == (3, (), (won[0], won[3]))
    assert most.holds == "Table 1: best in 2 of 3 places (a 2, b 0) and tied for best in 1, so in most."
    lost = row({"a": 0.1, "b": 0.2, "c": 0.3}, dim=32)
    half = quotes.best_in_most(won + tied + lost, claim)
    assert kinds(half) == [FindingKind.CONTRADICTION] and "best in 2 of 4 places" in half.against[0][1]
    assert quotes.best_in_most(alone, claim) == quotes.NOT_IN_TABLE


def test_best_dimension():
    claim = st.BestDimension(1, 8)
    rising = series({4: 0.2, 8: 0.3, 16: 0.1})
    assert quotes.best_dimension(rising, claim) == quotes.Outcome(
        1, (), "Table 1: d = 8 is best in 1 of 1 series.", rising[1:2]
    )
    (lost,) = quotes.best_dimension(series({4: 0.2, 8: 0.3, 16: 0.1}, metric=DB), claim).against
    assert lost[:2] == (FindingKind.CONTRADICTION, "Table 1, MNIST, d = 8, DB: GMVAE 0.3 is worse than 0.1 at d = 16.")
    assert kinds(quotes.best_dimension(series({4: 0.3, 8: 0.3}), claim)) == [FindingKind.TIE]
    unsuited = series({4: 0.2, 16: 0.3}) + series({8: 0.3}, metric=CH) + series({4: 0.4, 8: 0.3}, table=2)
    assert quotes.best_dimension(unsuited, claim).comparisons == 0
    both = rising + series({4: 0.4, 8: 0.3}, method="vae")
    assert kinds(quotes.best_dimension(both, claim)) == [FindingKind.CONTRADICTION]
    assert kinds(quotes.best_dimension(both, replace(claim, methods=("gmvae",)))) == []


def test_number_of_datasets():
    cells = row({"a": 1.0, "b": 1.0}) + row({"a": 1.0}, dataset="celeba") + row({"a": 1.0}, dataset="mine", table=2)
    assert quotes.number_of_datasets(cells, st.NumberOfDatasets((1,), 2)) == quotes.Outcome(
        1, (), "Table 1: 2 data sets (MNIST, CelebA), as stated.", (cells[0], cells[2])
    )
    outcome = quotes.number_of_datasets(cells, st.NumberOfDatasets((1, 2), 2))
    assert outcome.against[0][:2] == (
        FindingKind.CONTRADICTION,
        "Tables 1, 2: 3 data sets (MNIST, CelebA, mine), not the stated 2.",
    )
    assert quotes.number_of_datasets(cells, st.NumberOfDatasets((1, 3), 2)) == quotes.NOT_IN_TABLE


def test_a_statement_holds_fails_is_unchecked_or_read():
    def statement(name, assertion, kind="beats"):
        return st.Statement(name, "1", f"words of {name}", kind, assertion)

    findings = quotes.check_statements(
        row({"a": 0.5, "b": 0.4}),
        [
            statement("so", st.Beats(1, ("a",), ("b",))),
            statement("not_so", st.Beats(1, ("b",), ("a",))),
            statement("elsewhere", st.Beats(2, ("a",), ("b",))),
            statement("told", st.ByReading("A remark."), kind="by reading"),
        ],
    )
    assert [(f.statement, f.kind, f.comparisons) for f in findings] == [
        ("so", FindingKind.HOLDS, 1),
        ("not_so", FindingKind.CONTRADICTION, 1),
        ("elsewhere", FindingKind.UNCHECKED, 0),
        ("told", FindingKind.BY_READING, 0),
    ]
    assert findings[3].sentence == "A remark." and findings[3].check == "by reading"
    assert (findings[1].section, findings[1].quotation) == ("1", "words of not_so")


# The file of statements

ENTRY = {"name": "n", "section": "s", "quotation": "q", "kind": "beats", "table": 1, "methods": ["a"], "over": ["b"]}


def statements_file(tmp_path, content):
    path = tmp_path / "statements.json"
    path.write_text(content)
    return path


def test_statements_are_read_with_lists_as_tuples(tmp_path):
    (statement,) = st.read_statements(statements_file(tmp_path, json.dumps([ENTRY])))
    assert statement == st.Statement("n", "s", "q", "beats", st.Beats(1, ("a",), ("b",)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "not a readable JSON file"),
        (json.dumps(ENTRY), "not a list of objects"),
        (json.dumps(["beats"]), "not a list of objects"),
        (
            json.dumps([ENTRY, ENTRY | {"kind": "loses"}]),
            "statement 2: kind 'loses' is not one of percentage_improvement",
        ),
        (
            json.dumps([{k: v for k, v in ENTRY.items() if k not in ("section", "table")}]),
            "1: no section, table, which",
        ),
        (json.dumps([ENTRY | {"dims": [8]}]), "1: a statement of kind 'beats' has no field dims; remove it"),
    ],
)
def test_statements_that_do_not_fit_are_refused_in_one_line(tmp_path, content, said):
    path = statements_file(tmp_path, content)
    with pytest.raises(UserError) as error:
        st.read_statements(path)
    assert str(error.value).startswith(str(path)) and said in str(error.value) and "\n" not in str(error.value)
