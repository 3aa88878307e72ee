"""Metrics asked for by name: they change no trial, and a finished study gets what it lacks from its checkpoints."""

import dataclasses
import json

import pytest
from study_samples import parsed, record
from tiny_study import TINY, records_of, tiny_grid

from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import ClassificationSettings, ReconstructionSettings, scored_metrics
from benchmark.evaluation.reconstruction import IMAGE_MEASURES
from benchmark.execution import pack_run
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.resume import backbones_wanted, is_done, lacking_metrics, pending
from benchmark.metrics import METRICS
from benchmark.paper.tables import Metric
from benchmark.results.frame import outcome
from benchmark.results.store import Store
from benchmark.studies.metrics_asked import MetricsAsked, with_metrics
from benchmark.studies.named_studies import STUDIES
from benchmark.table_specs import TABLES

DIGITS = STUDIES["digits"]
IMAGES = dataclasses.replace(
    TINY,
    tables=(dataclasses.replace(TABLES[3], methods=("vae",), datasets=("mnist",), latent_dims=(8,)),),
    seeds=1,
    training=dataclasses.replace(TINY.training, epochs=1),
    metrics_left_out=("fid", "lpips", "ms_ssim"),
)


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        (None, ("fid",)),
        ("fid", ()),
        ("FID", ()),
        ("no-lpips", ("fid", "lpips")),
        ("all", ()),
        ("all,no-MS-SSIM", ("ms_ssim",)),
        ("no-silhouette score, fid", ("silhouette",)),
        ("no-MS-SSIM,all", ("ms_ssim",)),
    ],
)
def test_names_add_to_the_studys_metrics_or_leave_some_out(asked, left_out):
    assert with_metrics(DIGITS, MetricsAsked.parse(asked)).metrics_left_out == left_out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("fidd", "--metrics fidd: no such metric; .*did you mean fid"),
        ("no-lpip", "--metrics no-lpip: no such metric; .*did you mean lpips"),
        ("accuracy", "did you mean svm_accuracy"),
        ("mig", "--metrics mig: no such metric"),
        ("fid,no-FID", "--metrics fid,no-FID: both adds fid and leaves it out; give one of the two"),
        ("no-lpips,ssim,lpips", "adds lpips and leaves it out"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest_and_so_is_a_name_both_ways(asked, said):
    with pytest.raises(UserError, match=said):
        MetricsAsked.parse(asked)
    with pytest.raises(UserError, match="metrics_left_out: there is no 'fidd'; did you mean 'fid'"):
        dataclasses.replace(DIGITS, metrics_left_out=("fidd",))


def test_they_are_no_part_of_a_trials_identity(tmp_path):
    all_of_them = dataclasses.replace(IMAGES, metrics_left_out=())
    assert tiny_grid(tmp_path, IMAGES).trials() == tiny_grid(tmp_path, all_of_them).trials()
    assert set(DIGITS.metrics_left_out) < set(scored_metrics())


def test_a_finished_study_gets_what_it_lacks_without_training_and_keeps_what_it_has(tmp_path):
    grid, store = tiny_grid(tmp_path, IMAGES), Store(tmp_path)
    trials, dataset = grid.trials(), grid.datasets["mnist"]

    def run(left_out, out=tmp_path):
        [made] = records_of(trials, dataset, TrialContext(out, "cpu", None, left_out=frozenset(left_out)))
        Store(out).write_record(made)
        return made

    first = run(IMAGES.metrics_left_out)
    store.write_record(first.updated(timings={**first.timings, "reconstruction_seconds": 1000.0}))
    assert first.unavailable["reconstruction"]["ms_ssim"] == "not asked for (--metrics ms_ssim)"
    assert list(first.metrics["reconstruction"]) == ["ssim"]
    assert outcome(first, "reconstruction", "fid") == (None, "not asked for", "not asked for (--metrics fid)")
    found = pending(trials, store, set(), IMAGES.metrics_left_out)
    assert found.to_do == found.without_checkpoint == []
    assert backbones_wanted(trials, store, IMAGES.metrics_left_out) == []
    assert backbones_wanted(trials, store, {"fid"}) == ["alexnet"]

    left_out = ("fid", "lpips")
    assert pending(trials, store, set(), left_out).to_complete == trials
    checkpoint = store.checkpoint_path(trials[0].key)
    before = checkpoint.stat().st_mtime_ns
    second = run(left_out)
    assert checkpoint.stat().st_mtime_ns == before
    assert pending(trials, store, set(), left_out).to_do == []
    at_once = run(left_out, tmp_path / "at once")
    assert second.plain["details"] == at_once.plain["details"]
    for field in ("metrics", "unavailable", "health"):
        assert json.dumps(second.plain[field]) == json.dumps(at_once.plain[field])
    for field in ("curves", "training", "provenance"):
        assert second.plain[field] == first.plain[field]
    assert second.timings["reconstruction_seconds"] > 1000  # the seconds of both
    [added] = second.plain["added"]
    assert added["metrics"] == ["ms_ssim"] and added["provenance"]["device"]

    # What is asked for no more stays, and a metric that cannot be had has its own reason.
    assert pending(trials, store, set(), IMAGES.metrics_left_out).to_do == []
    third = run(())
    assert third.metrics == second.metrics
    assert third.unavailable["reconstruction"].keys() == {"fid", "lpips"}
    assert all("weights unavailable" in reason for reason in third.unavailable["reconstruction"].values())
    assert len(third.plain["added"]) == 1

    Store(tmp_path).write_record(first)
    checkpoint.unlink()
    found = pending(trials, store, set(), left_out)
    assert found.to_do == [] and found.without_checkpoint == trials


def test_a_metric_that_was_left_out_is_to_do_once_it_is_asked_for():
    without = {"reconstruction": {"fid": "not asked for (--metrics fid)"}}
    others = {"ssim": 0.5, "ms_ssim": 0.5, "lpips": 0.5}
    [made] = parsed({"a": record("mnist", "vae", 8, 0, "reconstruction", others, unavailable=without)}).values()
    assert is_done(made, {"a.pth"}, {"fid"}) and not is_done(made, set())


def test_an_image_metric_of_ones_own_is_added_to_a_finished_study_without_training(tmp_path, monkeypatch):
    grid, store = tiny_grid(tmp_path, IMAGES), Store(tmp_path)
    trials, dataset, left_out = grid.trials(), grid.datasets["mnist"], frozenset(IMAGES.metrics_left_out)

    def run():
        [made] = records_of(trials, dataset, TrialContext(tmp_path, "cpu", None, left_out=left_out))
        store.write_record(made)
        return made

    first = run()
    assert pending(trials, store, set(), left_out).to_do == []
    monkeypatch.setattr(ReconstructionSettings, "metrics", (*ReconstructionSettings.metrics, "count"))
    monkeypatch.setitem(METRICS, "count", Metric("count", "Images", True, (0.0, 1000.0)))
    monkeypatch.setitem(IMAGE_MEASURES, "count", lambda images: len(images.originals))
    assert tiny_grid(tmp_path, IMAGES).trials() == trials
    assert pending(trials, store, set(), left_out).to_complete == trials
    monkeypatch.setattr(pack_run, "train_pack", lambda *_: pytest.fail("trained again"))
    second = run()
    assert second.metrics == {"reconstruction": {**first.metrics["reconstruction"], "count": dataset.n_test}}
    assert [added["metrics"] for added in second.plain["added"]] == [["count"]]
    assert pending(trials, store, set(), left_out).to_do == []


def test_a_metric_that_is_new_to_a_protocol_is_added_to_a_finished_record(monkeypatch):
    """Its record is of before, so it has neither a value nor a reason."""
    accuracy = record("mnist", "vae", 8, 0, "classification", {"svm_accuracy": 0.5})
    finished, diverged = parsed({"a": accuracy, "b": accuracy | {"status": "diverged", "metrics": {}}}).values()
    assert is_done(finished, set()) and lacking_metrics(finished, ()) == {}
    monkeypatch.setattr(ClassificationSettings, "metrics", ("svm_accuracy", "knn_accuracy"))
    assert lacking_metrics(finished, ()) == {
        ("classification", "knn_accuracy"): "no metric of the protocol when it was scored"
    }
    assert not is_done(finished, set()) and is_done(finished, set(), {"knn_accuracy"}) and is_done(diverged, set())
