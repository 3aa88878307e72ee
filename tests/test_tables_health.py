"""Health of a study's trials as the report shows it: counts and means by hand, their order, and the page's section."""

import re

import numpy as np
import pytest
from study_samples import ODD_NAME, cell, manifest, record, sample, study_results
from verdict_samples import laptop

from benchmark.evaluation.health import ACTIVE_SHARE, LEAST_EXPLAINED, collapsed
from benchmark.report.html import render_report
from benchmark.tables.health_table import HEALTH_COLUMNS, HEALTH_MEANING, health_frame


def frame_of(*healths, dim=8, **more):
    """The only row of three trials of a GMVAE on MNIST, as a dict."""
    runs = [
        record("mnist", "gmvae", dim, seed, "clustering", {}, health=found, **more)
        for seed, found in enumerate(healths)
    ]
    study = manifest([cell(1, "mnist", "gmvae", dim)])
    [row] = health_frame(study_results(study, {run["key"]: run for run in runs})).to_dict("records")
    return row


def health(active, explained, fallen=False):
    return {"active_units": active, "explained_variance": explained, "collapsed": fallen}


def test_the_row_of_trials_that_differ():
    row = frame_of(health(8, 0.5), health(8, 0.625), health(3, -0.25, True))
    assert list(row) == HEALTH_COLUMNS
    # By hand: (8 + 8 + 3) / 3 = 6.33, (0.5 + 0.625 - 0.25) / 3 = 0.2917.
    assert list(row.values()) == ["MNIST", 8, "GMVAE", 3, "6.3 (3–8) of 8", "0.29", *["–"] * 4, 1, 0]


def test_rate_distortion_and_use_of_components_are_means_over_the_trials_that_recorded_them():
    one = health(8, 0.5) | {"rate": 10.0, "distortion": 30.0, "weight_entropy": 2.25, "components_leading": 10}
    other = health(8, 0.5) | {"rate": 11.0, "distortion": None, "weight_entropy": 0.25, "components_leading": 3}
    row = frame_of(one, other, health(8, 0.5) | {"rate": None})
    assert [row[name] for name in HEALTH_COLUMNS[6:10]] == ["10.5", "30.0", "1.25", "6.5"]


def test_a_true_zero_counts():
    row = frame_of(health(0, 0.0, True), health(8, 0.5))
    assert (row["active units"], row["explained variance"], row["collapsed"]) == ("4.0 (0–8) of 8", "0.25", 1)


def test_trials_that_agree_have_no_range():
    row = frame_of(health(8, 0.5), health(8, 0.5))
    assert (row["trials"], row["active units"], row["explained variance"]) == (2, "8 of 8", "0.50")


@pytest.mark.parametrize("without", [{}, {"explained_variance": None}])
def test_trials_without_health_count_and_do_not_blur_the_means(without):
    row = frame_of(health(6, 0.5), without, health(7, 0.25))
    assert (row["trials"], row["active units"], row["explained variance"]) == (3, "6.5 (6–7) of 8", "0.38")
    none = frame_of(without, status="diverged", reason="loss not finite")
    assert (none["active units"], none["explained variance"], none["collapsed"]) == ("–", "–", 0)
    assert none["diverged"] == 1


def test_the_sample_by_hand():
    frame = health_frame(study_results(*sample()))
    assert frame.to_dict("records")[1] == dict(
        zip(HEALTH_COLUMNS, ["MNIST", 8, "HGMVAE-G", 3, "5.0 (2–8) of 8", "0.53", *["–"] * 4, 1, 1], strict=True)
    )
    assert frame[["data set", "d", "method", "trials"]].to_numpy().tolist() == [
        ["MNIST", 8, "GMVAE", 3],
        ["MNIST", 8, "HGMVAE-G", 3],
        ["MNIST", 8, "HGMVAE-U", 1],
        ["MNIST", 16, "GMVAE", 3],
        ["MNIST", 16, "HGMVAE-U", 3],
        ["CelebA", 128, "GMVAE", 3],
        ["CelebA", 128, "HGMVAE-G", 3],
        ["CelebA", 128, "HGMVAE-U", 3],
        [ODD_NAME, 128, "GMVAE", 3],  # the user's own comes last, whatever the manifest's order
    ]
    assert frame["diverged"].sum() == 1  # the failed ones are none


def test_a_trial_that_two_tables_share_counts_once_and_unknown_methods_come_last():
    cells = [cell(table, "mnist", method, 8, (0,)) for table in (1, 4) for method in ("mine", "hgmvae_u", "vae")]
    runs = [record("mnist", method, 8, 0, "clustering", {}) for method in ("mine", "hgmvae_u", "vae")]
    frame = health_frame(study_results(manifest(cells), {run["key"]: run for run in runs}))
    assert frame["method"].tolist() == ["vae", "HGMVAE-U", "mine"] and frame["trials"].tolist() == [1, 1, 1]


def test_the_laptop_study_agrees_with_its_records():
    study, records = laptop()
    frame = health_frame(study_results(study, records))
    assert frame["trials"].sum() == len(records) == 174
    assert frame["collapsed"].sum() == sum(run["health"]["collapsed"] for run in records.values()) == 1
    here = [
        run["health"] for run in records.values()
        if (run["identity"]["dataset"], run["identity"]["method"], run["identity"]["latent_dim"])
        == ("mnist", "beta_vae", 128)
    ]  # fmt: skip
    [row] = frame[(frame["data set"] == "MNIST") & (frame["method"] == "beta-VAE") & (frame["d"] == 128)].to_dict(
        "records"
    )
    active = [found["active_units"] for found in here]
    assert row["active units"] == f"{np.mean(active):.1f} ({min(active)}–{max(active)}) of 128"
    assert row["explained variance"] == f"{np.mean([found['explained_variance'] for found in here]):.2f}"
    assert row["collapsed"] == 1


def test_what_the_sentence_says_is_the_rule():
    assert f"more than {ACTIVE_SHARE:.0%} of" in HEALTH_MEANING and f"less than {LEAST_EXPLAINED:.0%}" in HEALTH_MEANING
    assert (ACTIVE_SHARE, LEAST_EXPLAINED) == (0.01, 0.1)
    # Fewer than half of its units, of at most eight, or less than a tenth.
    assert [collapsed(active, 128, 0.5) for active in (3, 4)] == [True, False]
    assert [collapsed(active, 4, 0.5) for active in (1, 2)] == [True, False]
    assert [collapsed(8, 8, explained) for explained in (0.09, 0.1)] == [True, False]


def section(page):
    return re.search(r'<h2 id="health">.*?(?=<h2 )', page, re.DOTALL).group()


def test_the_page_marks_rows_with_a_collapse_by_sign_word_and_colour():
    page = render_report(study_results(*sample()))
    rows = re.findall(r'<tr id="[^"]+"( class="collapsed")?>(.*?)</tr>', section(page).split("<tbody>")[1], re.DOTALL)
    assert [bool(marked) for marked, _ in rows] == [False, True, *[False] * 7]
    assert [re.findall(r"† \d+ collapsed", row) for _, row in rows] == [[], ["† 1 collapsed"], *[[]] * 7]
    assert '<td class="word">5.0 (2–8) of 8</td>' in rows[1][1] and "50%_of [A&amp;B]" in rows[8][1]
    assert re.search(r"\.collapsed \{ background: ", page)
    assert re.search(r'<a href="#figures">Figures</a>\s*<a href="#health">Health</a>', page)
    assert page.index('id="figures"') < page.index('id="health"') < page.index('id="cost"')


def test_nothing_to_show_is_a_sentence():
    empty = manifest([cell(1, "mnist", "gmvae", 8)])
    frame = health_frame(study_results(empty, {}))
    assert frame.empty and list(frame.columns) == HEALTH_COLUMNS
    assert "<p>No trial has ended yet.</p>" in section(render_report(study_results(empty, {})))
    assert "<table" not in section(render_report(study_results(empty, {})))
