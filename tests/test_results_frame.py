"""The long frame: one row per seed asked for, a value or a reason, and the counts of the summary."""

import json

import pytest
from study_samples import cell, clustering, manifest, parsed, record, sample, study_results

from benchmark.errors import UserError
from benchmark.results.frame import Summary
from benchmark.results.manifest import Manifest, ManifestCell
from benchmark.results.records import UnfitRecord


def _row(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_row_per_metric_and_seed_asked():
    frame = study_results(*sample()).frame
    assert len(frame) == 6 * 3 * 3 + 7 * 4 * 3  # cells x metrics x seeds, Tables 1 and 3
    assert (frame["value"].notna() == (frame["status"] == "ok")).all()


def test_values_and_reasons_stand_where_they_belong():
    frame = study_results(*sample()).frame
    clusters = {"table": 1, "dataset": "mnist", "metric": "silhouette"}
    zero = _row(frame, **clusters, method="gmvae", latent_dim=8, seed=0)
    assert zero["value"] == 0.0 and zero["status"] == "ok" and zero["marks"] == "procedural"
    lost = _row(frame, **clusters, method="hgmvae_g", latent_dim=8, seed=1)
    assert (lost["status"], lost["reason"]) == ("diverged", "loss not finite at step 17")
    assert _row(frame, **clusters, method="hgmvae_u", latent_dim=8, seed=2)["status"] == "not run"
    constant = _row(frame, **clusters, method="hgmvae_u", latent_dim=16, seed=2)
    assert (constant["status"], constant["reason"]) == ("metric unavailable", "the latent is constant")
    two_lines = _row(frame, **clusters, method="gmvae", latent_dim=16, seed=1)
    assert two_lines["reason"] == "out of memory at 50%"
    no_weights = _row(frame, dataset="celeba", metric="fid", method="gmvae", seed=0)
    assert no_weights["status"] == "weights unavailable"
    assert set(frame[frame["dataset"] == "chairs"]["status"]) == {"no data"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_in_no_record(value):
    with pytest.raises(UnfitRecord, match="has no usable field 'metrics'"):
        parsed({"k": record("mnist", "gmvae", 8, 0, "clustering", clustering(value, 1.0, 1.0))})


def test_metrics_of_a_diverged_trial_are_never_shown():
    run = record("mnist", "gmvae", 8, 0, "clustering", clustering(0.5, 1.0, 1.0), status="diverged")
    frame = study_results(manifest([cell(1, "mnist", "gmvae", 8)]), {run["key"]: run}).frame
    assert frame["value"].isna().all()


def test_a_record_counts_though_its_data_set_cannot_be_loaded_now():
    run = record("mnist", "gmvae", 8, 0, "clustering", clustering(0.5, 1.0, 1.0))
    made = manifest([cell(1, "mnist", "gmvae", 8)], unavailable={"mnist": "no file"})
    assert study_results(made, {run["key"]: run}).frame["status"].tolist() == ["ok"] * 3 + ["no data"] * 6


def test_seeds_missing_from_a_cell_count_as_asked():
    study = Manifest.parse(manifest([], seeds=3))

    def asked(*seeds):
        return study.seeds_asked(ManifestCell.parse(cell(1, "mnist", "gmvae", 8, seeds)))

    assert asked(2) == asked() == (0, 1, 2)
    assert asked(5, 6, 7) == (5, 6, 7)


def test_summary_counts_each_trial_once():
    study, records = sample()
    # Table 4 shares Table 1's trials.
    study["cells"] += [one | {"table": 4} for one in study["cells"] if one["table"] == 1]
    # mnist d = 8: 3 + 2 ok, 1 diverged, 1 ok + 2 not run; d = 16: 3 failed, 3 not run, 3 ok; Table 3: 12 ok.
    assert study_results(study, records).summary == Summary(ok=21, diverged=1, failed=3, not_run=5, no_data=9)
    assert study_results(study, {}).summary == Summary(ok=0, diverged=0, failed=0, not_run=30, no_data=9)


def test_a_manifest_survives_json():
    study, records = sample()
    again = json.loads(json.dumps([study, records]))
    assert study_results(*again).frame.equals(study_results(study, records).frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema is 2"),
        ({"cells": [cell(8, "mnist", "gmvae", 8)]}, "names table 8"),
        ({"cells": [{"table": 1}]}, r"cells\[0\] lacks the field 'dataset'"),
    ],
)
def test_a_manifest_that_does_not_fit_is_named(change, message):
    with pytest.raises(UserError, match=message):
        Manifest.parse(manifest([]) | change)
    with pytest.raises(UserError, match="lacks the field 'marks'"):
        Manifest.parse({name: value for name, value in manifest([]).items() if name != "marks"})


def test_a_record_of_another_trial_is_refused():
    study = manifest([cell(1, "mnist", "gmvae", 8)])
    other = record("mnist", "gmvae", 16, 0, "clustering", clustering(0.5, 1.0, 1.0))
    with pytest.raises(UserError, match=r"latent_dim is 16, but manifest.json lists it as 8"):
        assert study_results(study, {"mnist-gmvae-8-0": other}).frame is None
    with pytest.raises(UserError, match=r"latent_dim is 16, but manifest.json lists it as 8"):
        assert study_results(study, {"mnist-gmvae-8-0": other}).summary is None
