"""What the page is made of: the answer, its picture, measured cost, and figures in words."""

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest
from study_samples import cell, clustering, manifest, packed_records, record, sample, study_results
from verdict_samples import LAPTOP, claims_of, every_verdict, laptop

from benchmark.errors import UserError
from benchmark.report.answer_plot import answer_plot
from benchmark.report.cost import COST_COLUMNS, cost_frame, cost_sentences, paired_times
from benchmark.report.page_tables import Anchors
from benchmark.report.picture_texts import picture_text
from benchmark.table_specs import ALL_TABLES
from benchmark.tables.layout import build_tables
from benchmark.throughput.method_times import MethodTime
from benchmark.throughput.throughput_files import write_method_times
from benchmark.verdict.cell_verdicts import OPEN_PROTOCOL, Verdict, cell_verdicts
from benchmark.verdict.verdict_page import answer, why_not_comparable

MADE = {
    "study": "laptop",
    "device": "cpu (x86_64)",
    "date": "2026-11-27T08:53:30+00:00",
    "command": "throughput --methods",
}


@pytest.fixture(scope="module")
def reference():
    return study_results(*laptop())


def answered(study):
    return answer(study.manifest, cell_verdicts(study), claims_of(study))


def answer_of(seeds=10, notes=(), dataset="mnist"):
    study, records = every_verdict()
    cells = [one for one in study["cells"] if one["dataset"] == dataset]
    return answered(study_results(study | {"seeds": seeds, "notes": list(notes), "cells": cells}, records))


def test_the_answer_names_what_is_decided_why_not_more_and_what_can():
    # Three methods at d = 8 and one at d = 4, each printed in Tables 1 and 4. SC: one within its tolerance, one beyond,
    # one out of reach, one partly. CH is 1.0, far from all; DB is 1.0, within 15 % of all but 0.853.
    found = "20 of the paper’s 392 numbers decided (8 reproduced, 12 contradicted), 9 of its 9 claims open"
    assert answer_of() == f"{found}; 368 numbers were not run."
    assert answer_of(seeds=3) == f"{found}: 3 of the paper’s 10 seeds; all 10 can decide the rest."
    none = "0 of the paper’s 392 numbers decided, 9 of its 9 claims open"
    assert answer_of(notes=["6 of 10 epochs"]) == (
        f"{none}: a reduced study; one at full size (study “paper”) can decide them."
    )
    assert answer_of(seeds=1, notes=["6 of 10 epochs"]) == (
        f"{none}: 1 seed of a reduced study; 10 at full size (study “paper”) can decide them."
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"marks": {"mnist": ["subset"]}}, "data: subset"),
        ({"marks": {"mnist": ["unverified"]}, "weight_set": "published"}, "data: unverified, weights: published"),
        (
            {"notes": ["trained in bfloat16"], "basis": {"device": "cpu", "training": {"precision": "bfloat16"}}},
            "trained in bfloat16",
        ),
    ],
)
def test_numbers_of_a_study_at_full_size_are_not_called_those_of_a_reduced_one(changes, why):
    study, records = every_verdict()
    cells = [one for one in study["cells"] if one["dataset"] == "mnist"]
    whole = study_results(study | {"cells": cells} | changes, records)
    numbers, claims = cell_verdicts(whole), claims_of(whole)
    said = answer(whole.manifest, numbers, claims)
    assert said.endswith(f"368 numbers were not run; there are 24 numbers that are not comparable ({why}).")
    assert why_not_comparable(whole.manifest, numbers) == tuple(why.split(", "))
    few = study_results(study | {"cells": cells, "seeds": 3} | changes, records)
    said = answer(few.manifest, cell_verdicts(few), claims_of(few))
    assert said.endswith(f"all 10 can decide them, but for 24 numbers that are not comparable ({why}).")


def test_a_number_that_an_open_protocol_decides_is_not_called_one_of_a_reduced_study():
    study, records = every_verdict()
    whole = study_results(study, records)
    numbers = cell_verdicts(whole)
    numbers.loc[numbers["verdict"] == Verdict.REPRODUCED, "verdict"] = str(Verdict.NOT_COMPARABLE)
    assert why_not_comparable(whole.manifest, numbers) == (OPEN_PROTOCOL, "data: subset")


def test_the_picture_is_of_the_score_that_most_methods_have_beside_the_papers(reference):
    plot = answer_plot(build_tables(reference))
    assert plot.heading == "SVM accuracy ↑ on MNIST, latent dimension d = 8 (SVM: support vector machine)"
    assert [dot.name for dot in plot.dots if dot.best] == ["SWAE"]
    hgmvae = next(dot for dot in plot.dots if dot.name == "HGMVAE-G")
    assert (hgmvae.ours, hgmvae.paper) == ("0.922 ±0.007", "0.996")
    # All numbers and spreads lie between the ends, in order; 4 % of the range are left free at either.
    low, high = map(float, plot.ends)
    assert hgmvae.at == pytest.approx(100 * (0.922 - low) / (high - low), abs=1)
    assert (
        hgmvae.spread[0]
        < hgmvae.at
        < hgmvae.spread[1]
        < hgmvae.paper_at
        == pytest.approx(100 * (1 - 0.04 / 1.08), abs=0.1)
    )
    assert "HGMVAE-G 0.922 ±0.007, the paper 0.996" in plot.says


def test_a_table_of_the_studys_own_comes_before_the_audits(monkeypatch):
    monkeypatch.setitem(ALL_TABLES, 8, dataclasses.replace(ALL_TABLES[2], number=8))
    runs = [record("mnist", name, 8, 0, "classification", {"svm_accuracy": 0.5}) for name in ("gmvae", "hgmvae_g")]
    for run in runs:
        run["metrics"]["recovery"] = {"kmeans_accuracy": 0.25}
    cells = [cell(number, "mnist", name, 8, (0,)) for number in (6, 8) for name in ("gmvae", "hgmvae_g")]
    study = study_results(manifest(cells, seeds=1), {run["key"]: run for run in runs})
    assert answer_plot(build_tables(study)).heading.startswith("SVM accuracy ↑ on MNIST")


def test_one_seed_has_no_spread_and_one_method_no_picture():
    runs = [
        record("mnist", name, 8, 0, "clustering", clustering(value, 1.0, 1.0))
        for name, value in (("gmvae", 0.25), ("hgmvae_g", 0.5))
    ]
    records = {run["key"]: run for run in runs}
    both = manifest([cell(1, "mnist", name, 8, (0,)) for name in ("gmvae", "hgmvae_g")], seeds=1)
    plot = answer_plot(build_tables(study_results(both, records)))
    assert plot.heading.startswith("SC ↑ on MNIST") and [(dot.ours, dot.spread) for dot in plot.dots] == [
        ("0.250", None),
        ("0.500", None),
    ]
    alone = manifest([cell(1, "mnist", "gmvae", 8, (0,))], seeds=1)
    assert answer_plot(build_tables(study_results(alone, records))) is None
    assert answer_plot([]) is None


def write_times(folder: Path, **made):
    rows = [("vae", 1.0, 1.0, 1.0), ("hgmvae_g", 1.37, 1.33, 1.42)]
    write_method_times(
        folder,
        [MethodTime("mnist", 8, name, 0.01, times, low, high, 9) for name, times, low, high in rows],
        MADE | made,
    )


def test_cost_is_that_of_paired_turns_of_the_same_study_and_device(reference, tmp_path):
    for name, made in {"other study": {"study": "paper"}, "other device": {"device": "cuda"}, "same": {}}.items():
        write_times(tmp_path / name, **made)
    assert paired_times(reference, [tmp_path, tmp_path / "other study", tmp_path / "other device"]) is None
    times = paired_times(reference, [tmp_path / "other study", tmp_path / "same"])
    frame = cost_frame(reference, times)
    assert list(frame.columns) == COST_COLUMNS
    of = frame[(frame["data set"] == "MNIST") & (frame["d"] == 8)].set_index("method")
    assert of.loc["HGMVAE-G"].tolist()[2:] == [375_381, "1.37", "1.33 to 1.42", 9]
    assert of.loc["SWAE"].tolist()[2:] == [302_329, "–", "–", "–"]
    assert (
        cost_sentences(reference, times)[0] == "A training step takes as long as a VAE’s: HGMVAE-G 1.37 to 1.37 times."
    )


def test_the_committed_measurement_is_found_and_no_trial_is_timed(reference):
    times = paired_times(reference, [LAPTOP.parent / "throughput" / "cpu-laptop"])
    frame = cost_frame(reference, times).set_index(["data set", "d", "method"])
    assert frame.loc[("MNIST", 8, "HGMVAE-G"), "times a VAE’s step"] == "1.37"
    assert frame.loc[("Fashion-MNIST", 128, "HGMVAE-U"), "times a VAE’s step"] == "2.11"


def test_without_a_measurement_of_its_size_the_command_is_named(tmp_path):
    write_times(tmp_path)
    study, records = laptop()
    changed = {
        key: {**one, "identity": {**one["identity"], "training": {**one["identity"]["training"], "width": 1.0}}}
        for key, one in records.items()
    }
    other = study_results(study, changed)
    assert paired_times(other, [tmp_path]) is None
    assert paired_times(study_results(study | {"study": "mine"}, records), [tmp_path]) is None
    [sentence] = cost_sentences(other, None)
    assert (
        sentence.startswith("Not measured at this study’s size and on its device,")
        and "throughput --methods --study laptop" in sentence
    )
    assert set(cost_frame(other, None)["times a VAE’s step"]) == {"–"}
    of_file = {"device": "cpu", "training": {}, "method_sources": {"own": "0" * 64}}
    [sentence] = cost_sentences(study_results(study | {"basis": of_file}, changed), None)
    assert "the models’ sizes alone" in sentence and "throughput" not in sentence  # it has no --method-file
    assert cost_frame(study_results(*sample()), None).empty


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (
            "methods.json",
            "{",
            "JSONDecodeError('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')",
        ),
        ("methods.json", "[]", "ValueError(\"no usable field 'study'\")"),
        ("methods.json", '{"study": "laptop"}', "ValueError(\"no usable field 'device'\")"),
        ("methods.json", json.dumps(MADE | {"date": None}), "ValueError(\"no usable field 'date'\")"),
        ("methods.json", json.dumps(MADE | {"date": 5}), "ValueError(\"no usable field 'date'\")"),
        ("methods.json", json.dumps(MADE)[:-1] + ', "date": ""}', "ValueError(\"'date' is twice in one object\")"),
        ("methods.csv", "dataset,latent_dim\nmnist,8\n", "ValueError(\"no usable field 'method'\")"),
        ("methods.csv", "", "EmptyDataError('No columns to parse from file')"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, reference, name, content, fault):
    write_times(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as caught:
        paired_times(reference, [tmp_path])
    assert str(caught.value) == f"{tmp_path / name}: not written by `throughput --methods` ({fault}); move it away"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((column, value) for column in ("times_vae", "low", "high") for value in ("abc", "", "NaN", "inf", "-1", "0")),
        *((column, value) for column in ("latent_dim", "turns") for value in ("9.5", "0", "many")),
    ],
)
def test_a_time_that_cannot_be_is_named(tmp_path, reference, column, value):
    write_times(tmp_path)
    path = tmp_path / "methods.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[1, column] = value
    frame.to_csv(path, index=False)
    with pytest.raises(UserError) as caught:
        paired_times(reference, [tmp_path])
    fault = f"ValueError(\"no usable field '{column}'\")"
    assert str(caught.value) == f"{path}: not written by `throughput --methods` ({fault}); move it away"


def test_a_figure_in_words_has_its_methods_range_and_best(reference):
    scores = picture_text(reference, "clustering_table1_mnist")
    assert scores.caption == "Clustering scores over the latent dimension d (the paper’s Fig. 3): Table 1, MNIST"
    assert "Methods: GMVAE, HGMVAE-G, HGMVAE-U." in scores.says
    assert "SC: best 0.363 (GMVAE, d = 32), worst 0.147 (HGMVAE-U, d = 2)." in scores.says
    assert "DB: best 1.244 (HGMVAE-G, d = 32), worst 5.214 (GMVAE, d = 2)." in scores.says
    shown = picture_text(reference, "reconstructions_fashion_mnist_d128").says
    assert (
        "Fashion-MNIST, d = 128" in shown
        and "SSIM: best 0.564 (SWAE, d = 128), worst 0.474 (beta-VAE, d = 128)." in shown
    )
    loss = [
        one["curves"]["loss"]
        for one in packed_records(LAPTOP).values()
        if (one["identity"]["dataset"], one["identity"]["method"], one["identity"]["latent_dim"]) == ("mnist", "vae", 8)
    ]
    first, last = (sum(one[at] for one in loss) / 3 for at in (0, -1))
    assert len(loss) == 3 and f"VAE {first:.4g} to {last:.4g};" in picture_text(reference, "curves_mnist_d8").says
    assert picture_text(reference, "curves_chairs_d128").says.endswith("3D Chairs, d = 128.")
    assert picture_text(reference, "holiday <b>").says == "holiday <b>"


def test_anchors_are_made_from_words_and_never_twice_the_same():
    anchor = Anchors()
    assert [anchor("Table", 1), anchor("50%_of [A&B]"), anchor("table 1"), anchor("table 1"), anchor("†")] == [
        *("table-1", "50-of-a-b", "table-1-2", "table-1-3", "part"),
    ]


def test_a_record_without_an_epoch_of_the_loss_has_no_sentence_on_it():
    study, records = sample()
    key = next(key for key, one in records.items() if one["status"] == "ok")
    place = records[key]["identity"]
    name = f"curves_{place['dataset']}_d{place['latent_dim']}"
    text = picture_text(study_results(study, {key: records[key] | {"curves": {"loss": []}}}), name)
    assert text.says.startswith(text.caption) and "Loss from" not in text.says
