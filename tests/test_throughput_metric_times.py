"""The measuring of what FID and LPIPS cost an image, the libraries' networks beside ours."""

import pytest
import torch

from benchmark.evaluation.image_quality import three_channels
from benchmark.throughput import metric_times as metric_times_module
from benchmark.throughput.metric_times import OURS, image_seconds, metric_times


@pytest.fixture
def few_images(monkeypatch):
    monkeypatch.setattr(metric_times_module, "_LPIPS_TURN", 1)
    made = metric_times_module._images
    monkeypatch.setattr(metric_times_module, "_images", lambda n: made(min(n, 8)))


def test_both_sides_of_fid_compute_the_same_features(few_images):
    with torch.inference_mode():
        library, ours = (side() for side in metric_times_module._fid("cpu").sides.values())
    torch.testing.assert_close(ours, library[0], rtol=1e-4, atol=1e-5 * library[0].max().item())


def test_ours_has_the_features_of_the_originals_when_lpips_is_measured(few_images, monkeypatch):
    work = metric_times_module._lpips("cpu")
    assert list(work.sides) == ["lpips", OURS] and work.images == 4
    seen = []
    monkeypatch.setattr(
        metric_times_module, "three_channels", lambda batch: seen.append(len(batch)) or three_channels(batch)
    )
    monkeypatch.setattr(metric_times_module, "lpips_features", lambda network, batch: seen.append(len(batch)) or [])
    monkeypatch.setattr(metric_times_module, "feature_distance", lambda *_: None)
    with torch.inference_mode():
        work.sides["lpips"]()
        assert seen == [4, 4]
        seen.clear()
        work.sides[OURS]()
        assert seen == [4]


def test_times_are_an_images_and_ratios_those_of_a_turn(monkeypatch):
    work = metric_times_module._Work(10, {"library": lambda: None, OURS: lambda: None})
    monkeypatch.setattr(metric_times_module, "_WORKS", {"fid": lambda device: work})
    turns = [[4.0, 2.0], [8.0, 2.0], [9.0, 3.0]]
    monkeypatch.setattr(metric_times_module, "paired_turns", lambda works, device, seconds: turns)
    library, ours = metric_times("cpu", 1, 0)
    assert (library.image_seconds, library.times_library) == (0.8, 1.0)
    assert (ours.metric, ours.side, ours.threads, ours.turns) == ("fid", OURS, 1, 3)
    assert (ours.image_seconds, ours.times_library, ours.low, ours.high) == pytest.approx((0.2, 3.0, 2.5, 3.5))
    clock = iter([6.0, 3.0])
    monkeypatch.setattr(metric_times_module, "timed", lambda work, device: next(clock))
    assert image_seconds("fid", "cpu") == pytest.approx(0.3)
