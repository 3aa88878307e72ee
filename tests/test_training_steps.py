"""How steps are executed: eagerly first, then replayed from one capture; eagerly for good where none succeeds."""

import pytest
import torch
from fake_cuda import FakeCuda

from benchmark.training.steps import CapturedSteps, EagerSteps


def run(monkeypatch, steps: int, error: Exception | None = None) -> tuple[FakeCuda, CapturedSteps, list[int]]:
    """The fake, the steps and the executions of a counting step."""
    cuda = FakeCuda(error).stand_in(monkeypatch)
    done: list[int] = []

    def step():
        if not cuda.capturing:
            done.append(len(done))

    cuda.step = step
    captured = CapturedSteps(torch.device("cuda"))
    assert captured._stream.waits_for == ["the current stream"]
    for _ in range(steps):
        captured.run(step)
    return cuda, captured, done


def test_after_some_eager_steps_one_capture_is_replayed_and_no_step_is_lost_or_doubled(monkeypatch):
    cuda, captured, done = run(monkeypatch, steps=10)
    assert (len(done), cuda.captures, captured.how) == (10, 1, "captured")


def test_a_failed_capture_leaves_the_steps_eager_and_says_why(monkeypatch):
    cuda, captured, done = run(monkeypatch, steps=10, error=RuntimeError("operation not permitted\nmore lines"))
    assert (len(done), cuda.captures) == (10, 1)
    assert captured.how == "eager (capture failed: operation not permitted)"


def test_a_capture_that_runs_out_of_memory_is_left_to_whoever_can_split_the_pack(monkeypatch):
    with pytest.raises(torch.OutOfMemoryError):
        run(monkeypatch, steps=10, error=torch.OutOfMemoryError("CUDA out of memory"))


def test_few_steps_are_never_captured(monkeypatch):
    cuda, captured, done = run(monkeypatch, steps=3)
    assert (len(done), cuda.captures) == (3, 0) and captured.how.startswith("eager")


def test_eager_steps_are_executed_at_once():
    done = []
    with EagerSteps().context():
        EagerSteps().run(lambda: done.append(1))
    assert done == [1] and EagerSteps.how == "eager"
