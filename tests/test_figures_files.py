"""Figures as files and as a whole: what is written, what is skipped, and what the command says."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from figure_samples import sample, source_of
from matplotlib import rc_context
from PIL import Image
from rich.console import Console
from study_samples import cell

from benchmark.commands.make_figures import FiguresOptions, figures
from benchmark.errors import UserError
from benchmark.figures import clustering_scores
from benchmark.figures.all_figures import FIGURES, make_figures
from benchmark.figures.study_source import CannotDraw
from benchmark.plotting.figure_files import write_page
from benchmark.plotting.style import RC, WIDTH, captioned, legend_columns, wrapped

FROM_RECORDS = ["clustering", "curves", "cost"]


def test_every_page_is_a_png_with_a_picture_and_a_pdf(tmp_path):
    made = dict(make_figures(sample(), FROM_RECORDS, tmp_path))
    assert len(made) == 1 + 3 + 3
    for page, (png, pdf) in made.items():
        assert (png.name, pdf.name) == (f"{page}.png", f"{page}.pdf")
        with Image.open(png) as image:
            assert image.size[0] == WIDTH * 150
            assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
            assert "Software" not in image.info
            assert np.asarray(image.convert("L")).std() > 10
        content = pdf.read_bytes()
        assert content.startswith(b"%PDF")
        assert b"/CreationDate" not in content
        assert b"/Subtype /Image" not in content  # vectors only
    assert {path.name for path in tmp_path.iterdir()} == {path.name for paths in made.values() for path in paths}


def test_the_same_data_give_the_same_bytes(tmp_path):
    [(name, data)] = clustering_scores.pages(sample())
    first = write_page(clustering_scores.draw, data, tmp_path / "a", name)
    second = write_page(clustering_scores.draw, data, tmp_path / "b", name)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path):
    (tmp_path / "figures").write_text("a file")
    [(name, data)] = clustering_scores.pages(sample())
    with pytest.raises(UserError, match=r"\.png: could not be written \(.*\); move away the file or folder in the way"):
        write_page(clustering_scores.draw, data, tmp_path / "figures", name)


def test_captions_have_room_of_their_own():
    sentence = "WWWW MMMM " * 60
    lines = wrapped(sentence)
    assert " ".join(lines).split() == sentence.split()
    figure, body = captioned(2.0, [sentence], "title")
    body.subplots().set_xlabel("x")
    figure.canvas.draw()
    [text] = figure.subfigs[1].texts
    box = text.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0
    assert box.y1 <= body.bbox.y0
    assert body.get_tightbbox().y0 * figure.dpi >= box.y1
    # A word that is too long stands alone.
    assert wrapped("a " + "W" * 300 + " b") == ["a", "W" * 300, "b"]


def test_figures_of_models_are_skipped_with_a_reason_where_there_are_no_checkpoints(tmp_path):
    made = dict(make_figures(sample(), ["tsne", "reconstructions", "manifold", "traversals"], tmp_path / "figures"))
    assert all(isinstance(reason, CannotDraw) for reason in made.values())
    assert str(made["tsne_mnist"]) == "no checkpoint (seeds 0, 1, 2)"
    for name in ("reconstructions", "manifold", "traversals"):
        # At d = 2 the two methods differ in why.
        assert str(made[f"{name}_mnist_d2"]) == (
            "no model to show: GMVAE: no checkpoint (seeds 0, 1, 2); "
            "HGMVAE-G: no checkpoint (seeds 0, 2), diverged (seed 1)"
        )
    assert not (tmp_path / "figures").exists()
    unasked = dict(make_figures(source_of([], [cell(3, "mnist", "vae", 8)]), ["tsne", "manifold"], tmp_path))
    assert {name: str(reason) for name, reason in unasked.items()} == {
        "tsne": "the study has none of Tables 1 and 4",
        "manifold_mnist_d8": "no model to show: not run (seeds 0, 1, 2)",
    }


def run_figures(out: Path, *names: str, **more) -> tuple[int, str]:
    options = FiguresOptions(**({"out": out, "names": names, "device": "cpu", "data_dir": out, "offline": True} | more))
    said = io.StringIO()
    console = Console(file=said, soft_wrap=True, markup=False, highlight=False)
    return figures(options, console), said.getvalue()


def test_the_command_makes_what_it_can_and_says_the_rest(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(sample().study.manifest.plain))
    status, said = run_figures(tmp_path)
    assert status == 0
    assert "clustering_table1_mnist: skipped: no trial of mnist in Table 1 has a result yet" in said
    assert "tsne_mnist: skipped: not run (seeds 0, 1, 2)" in said
    # One page of clustering and of tsne, three dims each of the five others.
    assert "Pages made: 0, skipped: 17; figures: " in said
    status, said = run_figures(tmp_path, "curves", only="latent_dim=8")
    assert "Pages made: 0, skipped: 1; figures: " in said
    assert "curves_mnist_d8: skipped" in said


def test_the_command_names_what_is_wrong(tmp_path):
    with pytest.raises(UserError, match=r"no manifest\.json; give a results folder"):
        run_figures(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(sample().study.manifest.plain))
    with pytest.raises(UserError, match="--only: selects no cell of study"):
        run_figures(tmp_path, only="latent_dim=3")


def test_a_record_of_another_trial_is_refused(tmp_path):
    source = sample()
    records = dict(source.study.records)
    key, one = next(iter(records.items()))
    records[key] = one.updated(identity={**one.identity.plain, "seed": 7})
    source = replace(source, study=replace(source.study, records=records))
    with pytest.raises(UserError, match="seed is 7, but manifest"):
        list(make_figures(source, ["curves"], tmp_path))


def test_the_registry_has_the_figures_by_name():
    assert list(FIGURES) == [
        "clustering", "curves", "weights", "frontier", "cost", "tsne", "reconstructions", "manifold", "traversals",
    ]  # fmt: skip
    assert [name for name, figure in FIGURES.items() if not figure.meaning] == ["cost"]


@pytest.mark.parametrize("label", ["VAE", "HGMVAE-G, TC weight 10", "HGMVAE-G, F of Eq. 13 minimised", "W" * 40])
def test_a_legend_lies_within_its_figure(label):
    """Whatever the labels, as the methods of a study have short ones and its controls long ones."""
    labels = [f"{label} {number}" for number in range(12)]
    figure, body = captioned(4.0, ["A caption."], "A title")
    axes = body.subplots()
    handles = [axes.plot([0, 1], [0, number])[0] for number in range(12)]
    with rc_context(RC):
        legend = body.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))
        figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert legend_columns(["VAE"] * 12) == 5 and legend_columns(["W" * 400]) == legend_columns([]) - 4 == 1
