"""Worker processes: the same records as in one process, whatever happens to a worker."""

import multiprocessing
import time

import pytest
from tiny_study import TINY, tiny_grid

from benchmark.errors import UserError
from benchmark.execution.grid import DataOptions
from benchmark.execution.store import Store
from benchmark.execution.trial import TrialContext, run_trial
from benchmark.execution.workers import default_jobs, run_trials


@pytest.fixture
def grid(tmp_path):
    return tiny_grid(tmp_path)


def start(grid, out, jobs=2):
    context = TrialContext(out, "cpu", None, offline=True)
    data = DataOptions.of(TINY, out, offline=True)
    return run_trials(grid.trials(), context, data, jobs, threads=1)


def no_children_left(seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def test_two_workers_leave_the_records_that_one_process_makes(grid, tmp_path):
    events = list(start(grid, tmp_path))
    trials = grid.trials()
    for trial in trials:
        kinds = [(event.kind, event.value) for event in events if event.trial == trial]
        assert kinds == [("started", 0), ("epoch", 1), ("epoch", 2), ("finished", "ok")]
    solo = TrialContext(tmp_path / "solo", "cpu", None, offline=True)
    for trial in trials:
        record = Store(tmp_path).read_record(trial.key)
        alone = run_trial(trial, grid.datasets["mnist"], solo)
        assert (record["metrics"], record["curves"]) == (alone["metrics"], alone["curves"])
        assert record["provenance"]["numerics"] == {"threads": 1, "tf32": False, "deterministic": False}
    assert no_children_left()


def test_a_killed_worker_costs_its_trial_alone(grid, tmp_path):
    killed = None
    for event in start(grid, tmp_path, jobs=1):
        if event.kind == "started" and killed is None:
            killed = event.trial
            multiprocessing.active_children()[0].kill()
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert {key: record["status"] for key, record in records.items()} == {
        trial.key: "failed" if trial == killed else "ok" for trial in grid.trials()
    }
    assert "its process died with exit code -9" in records[killed.key]["reason"]
    assert records[killed.key]["metrics"] == {}


def test_a_worker_that_dies_between_two_trials_costs_nothing(grid, tmp_path):
    for event in start(grid, tmp_path, jobs=1):
        if event.kind == "finished":
            for child in multiprocessing.active_children():
                child.kill()
                child.join()
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert [record["status"] for record in records.values()] == ["ok"] * 4


def test_an_error_inside_a_trial_is_a_failed_record_with_its_reason(grid, tmp_path):
    broken = grid.trials()[0]
    broken.settings["n_components"] = -1
    list(start(grid, tmp_path, jobs=1))
    record = Store(tmp_path).read_record(broken.key)
    assert record["status"] == "failed" and "negative dimension" in record["reason"]
    assert all(Store(tmp_path).read_record(trial.key)["status"] == "ok" for trial in grid.trials()[1:])


def test_a_folder_that_cannot_be_written_stops_the_study_with_one_line(grid, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file") as error:
        list(start(grid, tmp_path / "file" / "out", jobs=1))
    assert "\n" not in str(error.value)
    assert no_children_left()


def test_leaving_early_ends_the_processes(grid, tmp_path):
    events = start(grid, tmp_path)
    next(events)
    events.close()
    assert no_children_left()


def test_one_job_for_an_accelerator_and_some_for_a_cpu():
    assert default_jobs("cuda:1") == 1
    assert 1 <= default_jobs("cpu") <= 8
