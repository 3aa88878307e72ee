"""Cells: mean, std, state, ranks and footnotes, against numpy and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from study_samples import ODD_NAME, cell, clustering, manifest, record, sample, study_results

from benchmark.tables.layout import CellState, TableCell, build_tables, letter, rank
from benchmark.text import number

SSIM = "ssim"


def _table(table_number, study=None, records=None):
    study, records = (study, records) if study else sample()
    return next(table for table in build_tables(study_results(study, records)) if table.paper.number == table_number)


def _cell(*values):
    return TableCell(values=values, asked=3, state=CellState.COMPLETE, collapsed=0, notes=())


def _ranks(metric, means):
    cells = {("mnist", metric, name, 8): _cell(*values) for name, values in means.items()}
    return {key[2]: cell.rank for key, cell in rank(cells).items()}


def test_mean_and_std_agree_with_numpy():
    values = (0.31, 0.42, 0.37, 0.29)
    assert _cell(*values).mean == pytest.approx(np.mean(values), abs=1e-15)
    assert _cell(*values).std == pytest.approx(np.std(values, ddof=1), abs=1e-15)
    # Of 1, 2, 3, 4 by hand: the squared deviations sum to 5, over n - 1 = 3.
    assert _cell(1.0, 2.0, 3.0, 4.0).std == pytest.approx((5 / 3) ** 0.5)


def test_one_value_has_no_std_and_none_no_mean():
    assert (_cell(0.4).mean, _cell(0.4).std) == (0.4, None)
    assert (_cell().mean, _cell().std) == (None, None)


def test_rank_follows_the_metric_s_direction():
    means = {"a": (0.1,), "b": (0.3,), "c": (0.2,), "none": ()}
    assert _ranks("silhouette", means) == {"a": 3, "b": 1, "c": 2, "none": None}
    assert _ranks("davies_bouldin", means) == {"a": 1, "b": 3, "c": 2, "none": None}
    assert _ranks("fid", means) == {"a": 1, "b": 3, "c": 2, "none": None}


def test_equal_printed_numbers_share_a_rank():
    assert _ranks(SSIM, {"a": (0.5004,), "b": (0.4996,), "c": (0.2,)}) == {"a": 1, "b": 1, "c": 3}
    # CH prints one decimal, so 100.04 and 100.01 are equal there.
    assert _ranks("calinski_harabasz", {"a": (100.04,), "b": (100.01,), "c": (100.1,)}) == {
        "a": 2,
        "b": 2,
        "c": 1,
    }


def test_a_true_zero_competes_and_a_value_without_a_rival_has_no_rank():
    assert _ranks("davies_bouldin", {"a": (0.0,), "b": (0.1,)}) == {"a": 1, "b": 2}
    assert _ranks(SSIM, {"a": (0.5,), "b": ()}) == {"a": None, "b": None}


def test_within_noise_of_the_best_is_an_interval_of_paired_differences_that_contains_0():
    # Of three pairs t is 4.303: differences 0.1, 0.2, 0.3 have the mean 0.2 and the standard error 0.0577, so the
    # interval is 0.2 -+ 0.248; of 0.19, 0.2, 0.21 it is 0.2 -+ 0.0248.
    best = (0.5, 0.7, 0.9)
    means = {"best": best, "near": (0.4, 0.5, 0.6), "far": (0.31, 0.5, 0.69), "partly": (0.89,)}
    cells = {("mnist", "ssim", name, 8): _cell(*values) for name, values in means.items()}
    cells["mnist", "ssim", "partly", 8] = replace(cells["mnist", "ssim", "partly", 8], state=CellState.INCOMPLETE)
    ranked = rank(cells)
    assert {key[2]: cell.near_best for key, cell in ranked.items()} == {
        "best": False,
        "near": True,
        "far": False,
        "partly": False,
    }
    alone = rank({("mnist", "ssim", name, 8): _cell(values[0]) for name, values in means.items()})
    assert not any(cell.near_best for cell in alone.values())  # one seed has no interval


def test_ranks_stay_within_data_set_metric_and_dim():
    cells = {
        ("mnist", SSIM, "a", 8): _cell(0.1),
        ("mnist", SSIM, "b", 8): _cell(0.2),
        ("mnist", SSIM, "a", 16): _cell(0.9),
        ("mnist", SSIM, "b", 16): _cell(0.8),
        ("celeba", SSIM, "a", 8): _cell(0.99),
    }
    assert [cell.rank for cell in rank(cells).values()] == [2, 1, 1, 2, None]


def test_states_of_the_sample():
    one, three = _table(1).cells, _table(3).cells
    states = {key[2:]: cell.state for key, cell in one.items() if key[1] == "silhouette"}
    assert states == {
        ("gmvae", 8): "complete",
        ("hgmvae_g", 8): "incomplete",
        ("hgmvae_u", 8): "incomplete",
        ("gmvae", 16): "failed",
        ("hgmvae_g", 16): "not run",
        ("hgmvae_u", 16): "metric unavailable",
    }
    assert three["celeba", "fid", "gmvae", 128].state == "weights unavailable"
    assert three["chairs", "fid", "gmvae", 128].state == "no data"
    assert (ODD_NAME, "fid", "hgmvae_g", 128) not in three
    both = one["mnist", "silhouette", "hgmvae_g", 8]
    assert (both.mean, len(both.values), both.asked, both.collapsed) == (0.5, 2, 3, 1)
    assert both.notes == (
        "diverged: loss not finite at step 17 (seed 1)",
        "collapsed: 2 active units, 31% explained (seed 2)",
    )


def test_missing_weights_outweigh_a_diverged_seed():
    gone = {"reconstruction": {"fid": "weights unavailable: w.pth"}}
    runs = [
        record("mnist", "vae", 128, 0, "reconstruction", {}, unavailable=gone),
        record("mnist", "vae", 128, 1, "reconstruction", {}, status="diverged", reason="loss not finite"),
    ]
    table = _table(3, manifest([cell(3, "mnist", "vae", 128)]), {run["key"]: run for run in runs})
    assert table.cells["mnist", "fid", "vae", 128].state == "weights unavailable"
    assert table.cells["mnist", "fid", "vae", 128].notes == (
        "weights unavailable: w.pth (seed 0)",
        "diverged: loss not finite (seed 1)",
        "not run (seed 2)",
    )
    assert table.cells["mnist", "ssim", "vae", 128].state == "failed"


def test_the_paper_s_value_is_its_own_table_s():
    cells = [cell(number, "chairs", "hgmvae_g", 128) for number in (3, 5)]
    tables = build_tables(study_results(manifest(cells), {}))
    key = ("chairs", "fid", "hgmvae_g", 128)
    # Tables 3 and 5 of the paper contradict each other here.
    assert [table.cells[key].paper for table in tables] == [92.201, 40.986]
    assert _table(3).cells[ODD_NAME, "ssim", "gmvae", 128].paper is None


def test_layout_follows_the_paper():
    one, three = _table(1), _table(3)
    assert one.columns == (8, 16)
    assert [(row.metric, row.method) for row in one.rows][:4] == [
        ("silhouette", "gmvae"),
        ("silhouette", "hgmvae_g"),
        ("silhouette", "hgmvae_u"),
        ("calinski_harabasz", "gmvae"),
    ]
    assert three.columns == ("gmvae", "hgmvae_g", "hgmvae_u")
    assert three.datasets == ("chairs", "celeba", ODD_NAME)  # the paper's first, then the user's own
    assert [table.paper.number for table in build_tables(study_results(*sample()))] == [1, 3]


def test_two_latent_dims_of_one_data_set_are_two_rows():
    cells = [cell(2, "mnist", "vae", dim, seeds=(0,)) for dim in (8, 4)]
    run = record("mnist", "vae", 4, 0, "classification", {"svm_accuracy": 0.5})
    table = _table(2, manifest(cells, seeds=1), {run["key"]: run})
    assert [(row.dataset, row.latent_dim) for row in table.rows] == [("mnist", 4), ("mnist", 8)]
    assert [table.cell(row, "vae").state for row in table.rows] == ["complete", "not run"]


def test_footnotes_share_letters_in_order_of_print():
    table = _table(1)
    assert list(table.footnotes.values()) == ["a", "b", "c", "d", "e", "f"]
    assert table.letters(table.cells["mnist", "davies_bouldin", "hgmvae_g", 8]) == "b,c"
    assert [letter(position) for position in (0, 25, 26, 51, 52, 701, 702)] == [
        *("a", "z", "aa", "az", "ba", "zz", "aaa")
    ]


def test_numbers_print_zero_as_zero():
    assert number(0.0, 3) == "0.000"
    assert number(-0.0, 3) == "0.000"
    assert number(-0.0004, 3) == "0.000"
    assert number(-0.0006, 3) == "-0.001"
    assert number(3428.849, 1) == "3428.8"


def test_collapse_without_a_count_says_so():
    health = {"collapsed": True}
    run = record("mnist", "gmvae", 8, 0, "clustering", clustering(0.1, 1.0, 1.0), health=health)
    table = _table(1, manifest([cell(1, "mnist", "gmvae", 8, (0,))], seeds=1), {run["key"]: run})
    assert list(table.footnotes) == ["collapsed: unknown active units, unknown explained (seed 0)"]
