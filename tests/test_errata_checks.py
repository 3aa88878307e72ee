"""The errata: each check on tables made to break it and not to, and what exactly is found in the paper's."""

from collections import Counter
from functools import cache

import pandas as pd
import pytest
from errata_samples import cells_of, row, series

from benchmark.errata import quotes
from benchmark.errata import table_checks as er
from benchmark.errata.listing import listing
from benchmark.errata.printed_cells import FindingKind
from benchmark.paper import statements as st
from benchmark.paper.tables import COLUMNS, PrintedCell, paper_numbers

SC, CH, DB = "silhouette", "calinski_harabasz", "davies_bouldin"


@cache
def on_paper():
    return er.paper_errata()


def found(statement):
    return [finding for finding in on_paper() if finding.statement == statement]


def losers(statement, kind):
    """(method, dim, metric) of the first cell, the one that should have won, of a statement's findings of a kind."""
    return {(f.cells[0].method, f.cells[0].latent_dim, f.cells[0].metric) for f in found(statement) if f.kind is kind}


# Checks that need nothing but a table


@pytest.mark.parametrize(
    ("metric", "inside", "outside"),
    [
        ("silhouette", (-1.0, 1.0), (-1.001, 1.001)),
        ("calinski_harabasz", (0.0, 1e6), (-0.1,)),
        ("davies_bouldin", (0.0, 90.0), (-0.1,)),
        ("svm_accuracy", (0.0, 1.0), (-0.001, 97.5)),
        ("fid", (0.0, 500.0), (-3.0,)),
        ("ssim", (-1.0, 1.0), (-1.001, 1.001)),
        ("ms_ssim", (0.0, 1.0), (-0.001, 1.001)),
        ("lpips", (0.0, 1.2), (-0.001,)),
        ("kmeans_ari", (-0.5, 1.0), (-0.501, 1.001)),
        ("gmm_accuracy", (0.0, 1.0), (-0.001, 1.001)),
        ("mig", (0.0, 1.0), (-0.001, 1.001)),
    ],
)
def test_impossible_values(metric, inside, outside):
    cells = series(dict(enumerate(inside + outside, start=1)), metric=metric)
    findings = list(er.impossible_values(cells))
    assert [finding.cells[0].value for finding in findings] == list(outside)
    assert {(finding.kind, finding.comparisons) for finding in findings} == {(FindingKind.IMPOSSIBLE, len(cells))}


def test_an_impossible_value_is_told_with_its_place():
    (finding,) = er.impossible_values(row({"vae": 97.5}, metric="svm_accuracy", table=2))
    assert finding.sentence == ("Table 2, MNIST, d = 8, SVM accuracy: VAE 97.5 is above 1, which the metric cannot be.")


def test_repeated_cells():
    one = series({2: 0.1, 4: 0.2, 8: 0.3})
    other = series({2: 0.1, 4: 0.25, 16: 0.3}, table=4)
    differing, agreeing = er.repeated_cells((*other, *one))
    assert (differing.kind, differing.cells, differing.comparisons) == (
        FindingKind.CONTRADICTION,
        (one[1], other[1]),
        2,
    )
    assert differing.sentence == "Table 1, MNIST, d = 4, SC: GMVAE 0.2, but 0.25 in Table 4."
    assert (agreeing.kind, agreeing.cells, agreeing.comparisons) == (FindingKind.HOLDS, (one[0],), 2)
    assert agreeing.sentence == "Tables 1 and 4 share 2 cells; 1 of them agree."
    assert list(er.repeated_cells((*one, *series({16: 0.1}, table=4)))) == []


def block(dataset, values, *, table=3, method="vae", dim=128):
    metrics = ("fid", "ssim", "ms_ssim", "lpips")
    return tuple(PrintedCell(table, dataset, m, method, dim, v) for m, v in zip(metrics, values, strict=False))


def test_a_copied_block_of_metrics():
    copied = block("celeba", (90.0, 0.7, 0.9, 0.1)) + block("chairs", (90.0, 0.7, 0.9))
    (finding,) = er.copied_blocks(copied)
    assert finding.kind is FindingKind.SUSPECT and len(finding.cells) == 6
    assert finding.sentence == (
        "Table 3: CelebA VAE at d = 128 and 3D Chairs VAE at d = 128 have the same 3 values, digit for digit "
        "(FID 90, SSIM 0.7, MS-SSIM 0.9)."
    )


@pytest.mark.parametrize(
    "cells",
    [
        block("celeba", (90.0, 0.7)) + block("chairs", (90.0, 0.7)),  # two numbers only
        block("celeba", (90.0, 0.7, 0.9, 0.1)) + block("chairs", (90.0, 0.7, 0.9, 0.2)),  # one differs
        block("celeba", (90.0, 0.7, 0.9)) + block("celeba", (90.0, 0.7, 0.9), table=5),  # a repeated cell, no copy
    ],
)
def test_what_is_no_copied_block(cells):
    assert list(er.copied_blocks(cells)) == []


def test_a_copied_series_of_dims():
    values = {2: 0.1, 4: 0.2, 8: 0.3}
    (finding,) = er.copied_blocks(series(values) + series(values, method="vae"))
    assert finding.sentence == (
        "Table 1: SC of MNIST GMVAE and SC of MNIST VAE have the same 3 values, digit for digit "
        "(0.1 at d = 2, 0.2 at d = 4, 0.3 at d = 8)."
    )
    assert list(er.copied_blocks(series(values) + series(values | {8: 0.31}, method="vae"))) == []


def test_accuracies_below_a_constant_answer():
    ten_classes = row({"vae": 0.899, "gmvae": 0.9, "swae": 0.95}, dataset="cifar10", metric="svm_accuracy", table=2)
    unknown_classes = row({"vae": 0.1}, dataset="mine", metric="svm_accuracy")
    without_labels = row({"vae": 0.1}, dataset="celeba", metric="svm_accuracy")
    another_metric = row({"vae": 0.1}, dataset="cifar10", metric="ssim")
    (finding,) = er.below_constant_answer(ten_classes + unknown_classes + without_labels + another_metric)
    assert finding.kind is FindingKind.SUSPECT and finding.cells == ten_classes[:1]
    assert "VAE 0.899 read as averaged one-vs-rest accuracy is below the 0.9 of a constant answer" in finding.sentence


def test_any_table_of_the_same_columns_can_be_checked():
    cells = cells_of(pd.DataFrame([(2, "mine", "svm_accuracy", "new", 8, 1.5)], columns=list(COLUMNS)))
    findings = er.errata(cells, st.read_statements())
    assert Counter(finding.kind for finding in findings) == {
        FindingKind.IMPOSSIBLE: 1,
        FindingKind.UNCHECKED: 24,
        FindingKind.BY_READING: 11,
    }
    assert er.errata(cells) == findings[:1]


def test_a_mended_table_has_no_contradiction_left_between_tables_3_and_5():
    numbers = paper_numbers()
    mended = pd.concat([numbers[numbers["table"] != 3], numbers[numbers["table"] == 5].assign(table=3)])
    findings = er.errata(cells_of(mended))
    assert not [f for f in findings if f.check in ("repeated cell", "copied block") and f.kind is not FindingKind.HOLDS]


# The paper's own table


def test_counts_of_the_papers_findings():
    assert Counter(finding.kind for finding in on_paper()) == {
        FindingKind.CONTRADICTION: 7 + 1 + 2 + 5 + 6 + 1 + 5 + 4 + 6 + 1 + 3 + 2,
        FindingKind.TIE: 1 + 1 + 1 + 1 + 1 + 2,
        FindingKind.SUSPECT: 1 + 3,
        FindingKind.HOLDS: 2 + 9,
        FindingKind.BY_READING: 11,
    }


def test_what_two_tables_or_two_sentences_have_is_listed_once():
    listed = listing(on_paper())
    assert Counter(one.kind for one in listed)[FindingKind.CONTRADICTION] == 43 - 5  # cells of Tables 1 and 4
    [tie] = [one for one in listed if "HGMVAE-U 0.868 only ties GMVAE 0.868" in one.sentence]
    assert tie.sentence.startswith("Tables 1 and 4, MNIST, d = 16, DB: ")
    assert [source[:5] for source in tie.sources] == ["3.1.2", "3.4: "]
    sources = {source for one in on_paper() if one.quotation for source in [f"{one.section}: “{one.quotation}”"]}
    assert {source for one in listed for source in one.sources if "“" in source} == sources


def test_tables_1_and_4_agree_and_3_and_5_do_not():
    repeated = [finding for finding in on_paper() if finding.check == "repeated cell"]
    agreed = {f.sentence: len(f.cells) for f in repeated if f.kind is FindingKind.HOLDS}
    assert agreed == {
        "Tables 1 and 4 share 63 cells; 63 of them agree.": 63,
        "Tables 3 and 5 share 48 cells; 41 of them agree.": 41,
    }
    differing = {
        (a.dataset, a.metric, a.method): (a.value, b.value)
        for a, b in (finding.cells for finding in repeated if finding.kind is FindingKind.CONTRADICTION)
    }
    assert differing == {
        ("chairs", "fid", "hgmvae_g"): (92.201, 40.986),
        ("chairs", "ssim", "hgmvae_g"): (0.717, 0.966),
        ("chairs", "ms_ssim", "hgmvae_g"): (0.932, 0.985),
        ("chairs", "lpips", "hgmvae_g"): (0.122, 0.037),
        ("chairs", "fid", "hgmvae_u"): (88.605, 37.778),
        ("celeba", "fid", "hgmvae_g"): (92.201, 52.663),
        ("celeba", "fid", "hgmvae_u"): (86.353, 44.545),
    }


def test_one_block_of_table_3_is_copied():
    (finding,) = [finding for finding in on_paper() if finding.check == "copied block"]
    assert {(c.table, c.dataset, c.method) for c in finding.cells} == {
        (3, "chairs", "hgmvae_g"),
        (3, "celeba", "hgmvae_g"),
    }
    assert "(FID 92.201, SSIM 0.717, MS-SSIM 0.932, LPIPS 0.122)" in finding.sentence


def test_three_accuracies_are_below_a_constant_answer():
    cells = [f.cells[0] for f in on_paper() if f.check == "below a constant answer"]
    assert {(c.dataset, c.method): c.value for c in cells} == {
        ("cifar10", "swae"): 0.883,
        ("cifar10", "wae_imq"): 0.896,
        ("cifar10", "wae_rbf"): 0.873,
    }


def test_percentages_of_the_paper():
    (vae,), (gmvae,) = found("more_accurate_than_vae"), found("more_accurate_than_gmvae")
    assert vae.kind is FindingKind.HOLDS and "by 1.80 points or 1.88%, as stated (1.8%)" in vae.sentence
    assert (
        gmvae.kind is FindingKind.CONTRADICTION and "by 1.40 points or 1.46%, not by the stated 3.6%" in gmvae.sentence
    )
    direction, size = found("fid_without_fisher_g")
    assert (
        "HGMVAE-G w/o Fisher 103.076, stated as the improved one, is worse than HGMVAE-G 40.986" in direction.sentence
    )
    assert "by 60.24%, not by the stated 59.84%" in size.sentence
    assert direction.kind is size.kind is FindingKind.CONTRADICTION
    (direction,) = found("fid_without_fisher_u")  # 65.76% is right in size
    assert (
        "HGMVAE-U w/o Fisher 110.321, stated as the improved one, is worse than HGMVAE-U 37.778" in direction.sentence
    )
    (rise,) = found("fid_rises_without_fisher_u")
    assert rise.kind is FindingKind.HOLDS


def test_hgmvae_u_is_not_ahead_on_mnist():
    pairs = [tuple((c.method, c.value) for c in finding.cells) for finding in found("both_most_accurate_on_mnist")]
    assert pairs == [
        (("hgmvae_u", 0.981), ("gmvae", 0.985)),
        (("hgmvae_u", 0.981), ("swae", 0.983)),
    ]


@pytest.mark.parametrize("statement", ["better_clusters_than_gmvae", "mixture_better_clusters"])
def test_where_gmvae_clusters_as_well_or_better(statement):
    assert losers(statement, FindingKind.CONTRADICTION) == {
        ("hgmvae_g", 16, CH),
        ("hgmvae_g", 16, DB),
        ("hgmvae_g", 32, SC),
        ("hgmvae_g", 32, DB),
        ("hgmvae_g", 64, SC),
    }
    assert losers(statement, FindingKind.TIE) == {("hgmvae_u", 16, DB)}
    (better,) = found(f"{statement}_better_variant")
    assert (better.kind, better.comparisons) == (FindingKind.TIE, 21) and better.cells[0].name.endswith("hgmvae_u/16")


def test_the_best_dimension_of_the_paper():
    best = {(f.cells[1].method, f.cells[1].metric): f.cells[1].latent_dim for f in found("best_clusters_at_8")}
    assert best == {
        (method, metric): dim
        for metric in (SC, DB)
        for method, dim in (("gmvae", 16), ("hgmvae_g", 4), ("hgmvae_u", 16))
    }
    assert {(f.kind, f.comparisons) for f in found("best_clusters_at_8")} == {(FindingKind.CONTRADICTION, 9)}


def test_the_better_variant_of_the_paper():
    assert losers("gaussian_weights_below_16", FindingKind.CONTRADICTION) == {("hgmvae_g", 2, CH)}
    assert len(found("gaussian_weights_below_16")) == 1
    (from_16,) = found("uniform_weights_from_16")
    assert (from_16.kind, from_16.comparisons) == (FindingKind.HOLDS, 12)


def test_where_the_fisher_term_does_not_help():
    assert losers("fisher_better_clusters_g", FindingKind.CONTRADICTION) == {
        ("hgmvae_g", dim, metric) for dim, metric in ((32, CH), (64, SC), (64, CH), (64, DB), (128, SC), (128, CH))
    }
    assert losers("fisher_better_clusters_g", FindingKind.TIE) == {("hgmvae_g", 32, SC)}
    assert [finding.kind for finding in found("fisher_better_clusters_u")] == [FindingKind.HOLDS]
    told = {(f.cells[0].dataset, f.cells[0].metric): f.kind for f in found("fisher_better_reconstructions_g")}
    assert told == {
        ("chairs", "ssim"): FindingKind.TIE,
        ("chairs", "ms_ssim"): FindingKind.TIE,
        ("mnist", "ms_ssim"): FindingKind.CONTRADICTION,
    }
    assert [finding.kind for finding in found("fisher_better_reconstructions_u")] == [FindingKind.HOLDS]


def test_where_gmvae_reconstructs_better():
    findings = found("mixture_better_reconstructions")
    assert {(f.cells[0].dataset, f.cells[0].metric, f.cells[0].method) for f in findings} == {
        ("chairs", "ssim", "hgmvae_g"),
        ("chairs", "ms_ssim", "hgmvae_g"),
        ("mnist", "ssim", "hgmvae_g"),
        ("mnist", "lpips", "hgmvae_g"),
    }
    assert [finding.kind for finding in found("mixture_better_reconstructions_better_variant")] == [FindingKind.HOLDS]


def test_best_in_most_cells_of_table_3():
    (finding,) = found("best_reconstructions_mostly")
    assert finding.kind is FindingKind.HOLDS
    assert "best in 10 of 16 places (HGMVAE-G 0, HGMVAE-U 10) and tied for best in 1" in finding.sentence


def test_how_many_data_sets_the_tables_have():
    kinds_of = {
        name: (finding.kind, len(finding.cells))
        for name in ("of_the_paper", "of_table_3", "of_table_4", "of_table_5")
        for finding in found(f"datasets_{name}")
    }
    assert kinds_of == {
        "of_the_paper": (FindingKind.CONTRADICTION, 5),
        "of_table_3": (FindingKind.HOLDS, 4),
        "of_table_4": (FindingKind.CONTRADICTION, 1),
        "of_table_5": (FindingKind.HOLDS, 4),
    }


def test_equations_and_text_are_told_as_read():
    read = [finding for finding in on_paper() if finding.kind is FindingKind.BY_READING]
    assert {finding.check for finding in read} == {"by reading"}
    assert all(
        finding.section and finding.sentence and not finding.cells and not finding.comparisons for finding in read
    )


def test_the_papers_statements_are_short_distinct_and_of_every_kind():
    statements = st.read_statements()
    assert all(len(statement.quotation.split()) <= 20 for statement in statements)
    assert max(Counter(statement.name for statement in statements).values()) == 1
    assert {statement.kind for statement in statements} == set(st.KINDS)
    assert set(map(type, (s.assertion for s in statements))) == set(quotes.CHECKS)
    methods = set(paper_numbers()["method"])  # a name misspelt would pass for a cell that is not there
    for assertion in (statement.assertion for statement in statements):
        if isinstance(assertion, st.Beats):
            assert {*assertion.methods, *assertion.over} <= methods
    assert not [finding for finding in on_paper() if finding.kind is FindingKind.UNCHECKED]
