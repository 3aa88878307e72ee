"""The figures that need records alone: the data behind them against hand-made records."""

import dataclasses
import math

import numpy as np
import pytest
from figure_samples import diverged, sample, source_of, trained
from PIL import Image
from study_samples import cell, record

from benchmark.commands.judged_study import pages_of_records, write_report
from benchmark.figures import clustering_scores, frontiers, training_cost, training_curves, weight_sweeps
from benchmark.figures.study_source import CannotDraw, StudySource, by_page, kinds, left_out
from benchmark.methods.control_methods import ALL_METHODS, SWEEPS
from benchmark.methods.registry import METHODS
from benchmark.paper.tables import paper_numbers
from benchmark.plotting.style import UNKNOWN, class_look, look
from benchmark.results.store import Store
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import ALL_TABLES, TABLES

NAN = math.nan


def only_page(pages):
    [(name, data)] = pages
    return name, data


def lines_of(source, metric):
    _, data = only_page(clustering_scores.pages(source))
    return {line.method: line for line in data.lines[metric]}


def test_clustering_has_means_bands_and_gaps():
    gmvae = lines_of(sample(), "silhouette")["gmvae"]
    # d = 2, 8, 16: of 0.1, 0.2, 0.6 the variance is (0.04 + 0.01 + 0.09) / 2; nothing at 8; one seed at 16.
    np.testing.assert_allclose(gmvae.mean, [0.3, NAN, 0.4], atol=1e-12)
    np.testing.assert_allclose(gmvae.std, [math.sqrt(0.07), NAN, NAN], atol=1e-12)


def test_clustering_leaves_a_diverged_seed_out_and_says_so():
    source = sample()
    hgmvae = lines_of(source, "silhouette")["hgmvae_g"]
    np.testing.assert_allclose(hgmvae.mean, [0.4, 0.5, 0.25], atol=1e-12)  # not the 0.9 of the diverged one
    np.testing.assert_allclose(hgmvae.std, [math.sqrt(0.02), 0, 0], atol=1e-12)
    caption = " ".join(only_page(clustering_scores.pages(source))[1].caption)
    assert "HGMVAE-G d = 2 seed 1 (diverged)" in caption
    assert "GMVAE d = 8 seeds 0, 1, 2 (not run)" in caption
    assert "GMVAE d = 16 seeds 1, 2 (not run)" in caption
    assert "With collapsed seeds: HGMVAE-G d = 8 (1 of 3)." in caption


def test_clustering_shows_the_papers_values_unless_images_are_drawn():
    paper = paper_numbers().set_index(["table", "dataset", "metric", "method", "latent_dim"])["value"]
    for metric in ("silhouette", "calinski_harabasz", "davies_bouldin"):
        for method, line in lines_of(sample("subset"), metric).items():
            assert line.paper.tolist() == [paper[1, "mnist", metric, method, dim] for dim in (2, 8, 16)]
    assert np.isnan(lines_of(sample(), "silhouette")["gmvae"].paper).all()
    for mark, said in (("subset", True), ("procedural", False)):
        caption = " ".join(only_page(clustering_scores.pages(sample(mark)))[1].caption)
        assert ("Hollow: the paper's values." in caption) is said


def test_clustering_draws_what_is_in_its_data():
    name, data = only_page(clustering_scores.pages(sample()))
    assert name == "clustering_table1_mnist"
    figure = clustering_scores.draw(data)
    panels = [axes for axes in figure.get_axes() if axes.lines]
    assert [axes.get_title() for axes in panels] == ["SC ↑", "CH ↑", "DB ↓"]
    ours, papers = panels[0].lines[:2]
    assert ours.get_xdata() == pytest.approx(np.array(data.dims) * 2 ** (-0.035))  # left one of two methods
    np.testing.assert_array_equal(ours.get_ydata(), data.lines["silhouette"][0].mean)
    assert papers.get_fillstyle() == "none"
    band = panels[0].collections[0].get_paths()[0].vertices  # of d = 2, the only one with two seeds
    assert band[:, 1].min() == pytest.approx(0.3 - math.sqrt(0.07))
    assert band[:, 1].max() == pytest.approx(0.3 + math.sqrt(0.07))
    assert panels[0].get_xscale() == "log"
    assert [tick.get_text() for tick in panels[0].get_xticklabels()] == ["2", "8", "16"]


def test_clustering_without_its_tables_or_results_says_why():
    _, reason = only_page(clustering_scores.pages(source_of([], [cell(2, "mnist", "vae", 8)])))
    assert str(reason) == "the study has none of Tables 1 and 4"
    _, reason = only_page(clustering_scores.pages(source_of([], [cell(1, "mnist", "gmvae", 8)])))
    assert str(reason) == "no trial of mnist in Table 1 has a result yet"


def test_a_table_over_dims_of_another_protocol_has_no_page_of_clustering(monkeypatch):
    monkeypatch.setitem(ALL_TABLES, 8, dataclasses.replace(TABLES[2], number=8, latent_dims=(2, 8)))
    cells = [cell(8, "mnist", "vae", 2), cell(8, "mnist", "vae", 8)]
    records = [record("mnist", "vae", dim, 0, "classification", {"svm_accuracy": 0.9}) for dim in (2, 8)]
    _, reason = only_page(clustering_scores.pages(source_of(records, cells)))
    assert str(reason) == "the study has none of Tables 1 and 4"


def sweep_source(**more) -> StudySource:
    """A sweep of the VAE's beta, another of GMVAE's variance with nothing run, and a method on no curve."""
    scores = {"vae": 0.9, "beta_vae": 0.8, "vae_beta_0.3": 0.7, "vae_beta_0.01": 0.95}
    records = [
        record("mnist", method, 128, seed, "reconstruction", {"ssim": ssim + seed / 100, "lpips": 0.1})
        for method, ssim in scores.items()
        for seed in range(3)
    ]
    methods = (*scores, "gmvae", "gmvae_variance_1", "wae_rbf")
    return source_of(records, [cell(3, "mnist", method, 128) for method in methods], **more)


def test_weights_are_curves_over_the_swept_setting_with_the_papers_numbers():
    name, data = only_page(weight_sweeps.pages(sweep_source()))
    assert name == "weights_mnist_d128"
    beta, variance = data.scores
    assert (beta.setting, variance.setting) == ("beta", "decoder_variance")
    assert list(data.scores[beta]) == ["ssim", "lpips"]  # FID and MS-SSIM were not computed
    ssim = data.scores[beta]["ssim"]
    assert ssim.values.tolist() == pytest.approx([0.01, 0.05, 0.2, 0.3])
    assert ssim.mean.tolist() == pytest.approx([0.96, 0.91, 0.81, 0.71])
    assert ssim.std.tolist() == pytest.approx([0.01] * 4)
    assert ssim.own == {"vae": 0.05, "beta_vae": 0.2} and ssim.printed == {"vae": 0.834, "beta_vae": 0.774}
    assert np.isnan(data.scores[variance]["ssim"].mean).all()
    assert "Left out: GMVAE d = 128 seeds 0, 1, 2 (not run)" in " ".join(data.caption)
    panels = weight_sweeps.draw(data).get_axes()
    assert [axes.get_title() for axes in panels] == ["SSIM ↑", "LPIPS ↓", "", ""]
    assert panels[0].get_xscale() == "log" and panels[0].lines[0].get_ydata().tolist() == ssim.mean.tolist()
    assert [line.get_ydata()[0] for line in panels[0].lines[-2:]] == [0.834, 0.774]


def test_weights_of_drawn_images_have_no_number_of_the_papers_and_a_study_without_a_sweep_has_no_page():
    _, data = only_page(weight_sweeps.pages(sweep_source(marks={"mnist": ["procedural"]})))
    assert not any(one.printed for of in data.scores.values() for one in of.values())
    assert "the paper's number" not in " ".join(data.caption)
    assert list(weight_sweeps.pages(source_of([], [cell(3, "mnist", "vae", 128)]))) == []
    assert list(weight_sweeps.pages(sample())) == []


def test_every_sweep_is_six_values_or_more_of_one_setting():
    for sweep in SWEEPS:
        settings = [ALL_METHODS[method].settings("default") for method in sweep.methods]
        values = [one.pop(sweep.setting) for one in settings]
        assert len(set(values)) == len(values) >= 6 and all(one == settings[0] for one in settings)
    methods = {method for sweep in SWEEPS for method in sweep.methods}
    assert {cell.method for cell in STUDIES["frontier"].cells()} == methods
    assert {base for sweep in SWEEPS for base in sweep.bases} == set(TABLES[2].methods)
    others = {method for base in ("hgmvae_g", "wae_imq", "wae_rbf") for method in methods if method.startswith(base)}
    assert {cell.method for cell in STUDIES["weight-sweep"].cells()} == methods - others


def frontier_source(leave_out=()) -> StudySource:
    """A VAE along beta, whose rate falls as its accuracy rises, and a SWAE without a rate, of which 100 diverged."""
    scores = {
        "vae_beta_0.01": (90.0, 0.80),
        "vae": (30.0, 0.90),
        "vae_beta_0.3": (10.0, 0.85),
        "swae": (None, 0.70),
        "swae_weight_100": (None, 0.60),
    }
    records = [
        record("mnist", method, 8, seed, "classification", {"svm_accuracy": accuracy + seed / 100})
        | {"health": {"rate": None if rate is None else rate + seed}}
        | ({"status": "diverged", "reason": "loss"} if method == "swae_weight_100" else {})
        for method, (rate, accuracy) in scores.items()
        for seed in range(3)
    ]
    cells = [cell(number, "mnist", method, 8) for number in (2, 3) for method in scores if method not in leave_out]
    return source_of(records, cells)


def test_a_frontier_is_every_methods_scores_over_its_rate_in_order_of_its_weight():
    name, data = only_page(frontiers.pages(frontier_source()))
    assert name == "frontier_mnist_d8" and data.scores == ("svm_accuracy",)
    vae, swae = data.curves.values()
    assert vae.rates.tolist() == [91, 31, 11]
    assert vae.means["svm_accuracy"].tolist() == pytest.approx([0.81, 0.91, 0.86])
    assert vae.stds["svm_accuracy"].tolist() == pytest.approx([0.01] * 3)
    assert vae.own == {"vae": 1} and swae.own == {"swae": 0}
    assert np.isnan(swae.rates).all()
    assert swae.means["svm_accuracy"].tolist() == pytest.approx([0.71, NAN], nan_ok=True)
    assert "(diverged)" in " ".join(data.caption)
    over_rate, beside = frontiers.draw(data).get_axes()
    assert over_rate.get_title() == "SVM accuracy ↑" and over_rate.get_xlabel() == "rate (nats)"
    assert over_rate.lines[0].get_xydata().tolist() == pytest.approx(np.array([[91, 0.81], [31, 0.91], [11, 0.86]]))
    assert beside.lines[0].get_xdata().tolist() == [0, 0] and over_rate.get_ylim() == beside.get_ylim()


def test_a_report_has_the_frontier_of_a_study(tmp_path):
    study = frontier_source().study
    pages = pages_of_records(Store(tmp_path), study)
    assert pages["frontier_mnist_d8"] is None and not any(page.startswith("cost") for page in pages)
    write_report(tmp_path, study, {}, pages)
    caption = "Scores over the rate of the code, each method along its one weight: MNIST, d = 8"
    assert caption in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_report_has_no_picture_of_other_trials_than_the_studys(tmp_path):
    pages_of_records(Store(tmp_path), frontier_source().study)
    report = tmp_path / "report.html"
    write_report(tmp_path, frontier_source().study, {}, {})
    assert "data:image" in report.read_text(encoding="utf-8")
    fewer = frontier_source().study
    fewer = dataclasses.replace(fewer, records=dict(list(fewer.records.items())[1:]))
    write_report(tmp_path, fewer, {}, {})
    page = report.read_text(encoding="utf-8")
    assert "<li>frontier_mnist_d8: shows the trials of an earlier run; `judge` makes it again" in page
    assert "data:image" not in page


def test_a_report_has_no_picture_that_its_records_do_not_give(tmp_path):
    study = frontier_source().study
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in ("frontier_mnist_d8", "tsne_mnist"):  # of a version that noted no trials
        Image.new("L", (1, 1)).save(figures / f"{name}.png")
    write_report(tmp_path, study, {}, {name: CannotDraw("no trial") for name in ("frontier_mnist_d8", "tsne_mnist")})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<li>frontier_mnist_d8: no trial" in page and "<li>tsne_mnist" not in page
    assert page.count("data:image") == 1


def test_a_study_with_one_method_along_its_weight_or_without_accuracy_has_no_frontier():
    assert list(frontiers.pages(frontier_source(leave_out=("swae_weight_100",)))) == []
    assert list(frontiers.pages(sweep_source())) == []
    empty = source_of([], [cell(2, "mnist", name, 8) for name in ("vae", "vae_beta_0.3", "swae_weight_1")])
    _, reason = only_page(frontiers.pages(empty))
    assert str(reason) == "no trial of mnist at d = 8 has a result yet"


def test_curves_have_a_row_per_seed_and_their_mean():
    pages = dict(training_curves.pages(sample()))
    assert list(pages) == ["curves_mnist_d2", "curves_mnist_d8", "curves_mnist_d16"]
    page = pages["curves_mnist_d2"]
    assert list(page.terms) == ["loss", "kl"]
    gmvae, hgmvae = page.terms["loss"]
    assert gmvae.seeds.tolist() == [[10, 5], [11, 6], [12, 7]]
    assert gmvae.mean.tolist() == [11, 6]
    assert hgmvae.seeds.tolist() == [[10, 5], [12, 7]]  # seed 1 diverged
    assert "Left out: HGMVAE-G d = 2 seed 1 (diverged)." in page.caption
    assert [curve.method for curve in pages["curves_mnist_d8"].terms["loss"]] == ["hgmvae_g"]


def test_curves_keep_an_epoch_that_was_not_finite_as_a_gap():
    record = trained("vae", 8, 0, 0.1, curves={"loss": [3.0, None, 1.0]})
    _, page = only_page(training_curves.pages(source_of([record], [cell(2, "mnist", "vae", 8)])))
    np.testing.assert_array_equal(page.terms["loss"][0].mean, [3, NAN, 1])
    training_curves.draw(page)


def test_curves_use_a_log_axis_only_for_wide_positive_terms():
    page = dict(training_curves.pages(sample()))["curves_mnist_d2"]  # loss 5..12, kl 1..300
    panels = {axes.get_title(): axes for axes in training_curves.draw(page).get_axes() if axes.lines}
    assert panels["loss"].get_yscale() == "linear"
    assert panels["kl"].get_yscale() == "log"
    # Three thin lines and a mean for GMVAE, two and one for HGMVAE-G.
    assert len(panels["loss"].lines) == 7


def test_curves_with_values_below_zero_stay_linear():
    record = trained("vae", 8, 0, 0.1, curves={"loss": [-1.0, 500.0]})
    _, page = only_page(training_curves.pages(source_of([record], [cell(2, "mnist", "vae", 8)])))
    [axes] = [axes for axes in training_curves.draw(page).get_axes() if axes.lines]
    assert axes.get_yscale() == "linear"


def test_cost_has_mean_spread_and_parameters():
    records = [trained("gmvae", 8, seed, 0.1) for seed in range(3)] + [trained("vae", 8, 0, 0.1), diverged("vae", 8, 1)]
    cells = [cell(2, "mnist", "gmvae", 8), cell(2, "mnist", "vae", 8)]
    name, page = only_page(training_cost.pages(source_of(records, cells)))
    assert name == "cost_mnist_d8"
    vae, gmvae = page.bills  # in the order of the paper's tables, not of the cells
    assert (gmvae.mean, gmvae.std, gmvae.parameters) == (20.0, 10.0, 8_000)  # of 10, 20, 30 seconds
    assert (vae.mean, page.reference) == (10.0, 10.0)
    assert math.isnan(vae.std)
    caption = " ".join(page.caption)
    assert "on cpu (test)" in caption
    assert "vae d = 8 seed 1 (diverged); vae d = 8 seed 2 (not run)" in caption
    figure = training_cost.draw(page)
    texts = [
        label.get_text() for axes in figure.get_axes() for child in axes.child_axes for label in child.get_yticklabels()
    ]
    assert texts == ["1.00×", "2.00×"]
    assert all(axes.get_xlim()[0] == 0 for axes in figure.get_axes())


def test_cost_without_a_vae_has_no_multiples():
    _, page = only_page(training_cost.pages(source_of([trained("gmvae", 8, 0, 0.1)], [cell(2, "mnist", "gmvae", 8)])))
    assert page.reference is None
    assert "multiples" not in " ".join(page.caption)
    assert not any(axes.child_axes for axes in training_cost.draw(page).get_axes())


@pytest.mark.parametrize(("figure", "prefix"), [(training_curves, "curves"), (training_cost, "cost")])
def test_a_page_without_results_says_whether_data_or_runs_are_missing(figure, prefix):
    cells = [cell(3, "chairs", "vae", 128), cell(3, "celeba", "vae", 128)]
    pages = dict(figure.pages(source_of([], cells, unavailable={"chairs": "3D Chairs: not here"})))
    reasons = {name: str(reason) for name, reason in pages.items() if isinstance(reason, CannotDraw)}
    assert reasons == {
        f"{prefix}_chairs_d128": "3D Chairs: not here",
        f"{prefix}_celeba_d128": "no trial of celeba at d = 128 has a result yet",
    }


def test_every_page_says_what_is_reduced_and_drawn():
    for module in (clustering_scores, training_curves, training_cost):
        for _, page in module.pages(sample()):
            caption = " ".join(page.caption)
            assert "Study laptop, 3 seeds, weight set default." in caption
            assert "Reduced against the paper: 5,000 of 60,000 training images; 2 of 10 epochs." in caption
            assert "[procedural]: generated in place" in caption
            assert "MNIST [procedural]" in page.title


def test_kinds_prefer_the_tables_of_a_protocol():
    cells = [cell(1, "mnist", "gmvae", 2), cell(3, "mnist", "gmvae", 128), cell(5, "mnist", "gmvae", 128)]
    source = source_of([], cells)
    assert [kind.latent_dim for kind in kinds(source)] == [2, 128]
    assert [kind.latent_dim for kind in kinds(source, "reconstruction")] == [128]
    assert [kind.latent_dim for kind in kinds(source, "classification")] == [2, 128]
    assert list(by_page(kinds(source))) == [("mnist", 2), ("mnist", 128)]
    assert left_out(source, []) == []


def test_no_two_methods_and_no_two_of_110_classes_look_alike():
    looks = [method.look for method in METHODS.values()]
    assert None not in looks and len(set(looks)) == len(looks)
    assert len({one.marker for one in looks}) == len(looks)  # apart in grey, too
    assert len({class_look(place) for place in range(110)}) == 110
    assert len({look(method) for method in ALL_METHODS}) == len(ALL_METHODS)


def test_methods_from_files_without_a_look_differ_in_their_markers(monkeypatch):
    own = [dataclasses.replace(METHODS["vae"], name=f"own_{i}", look=None, source="0" * 64) for i in range(12)]
    for method in own:
        monkeypatch.setitem(ALL_METHODS, method.name, method)
    looks = [look(method.name) for method in own]
    assert len({one.marker for one in looks}) == 12
    assert {(one.colour, one.line) for one in looks} == {(UNKNOWN.colour, UNKNOWN.line)}
    assert looks[0] == look("method of a file that was not given") == UNKNOWN
