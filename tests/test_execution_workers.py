"""Worker processes: the same records as in one process, whatever happens to a worker."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_study import TINY, records_of, tiny_grid

from benchmark.errors import UserError
from benchmark.execution import worker_processes as workers_module
from benchmark.execution.evaluate_trial import TrialContext
from benchmark.execution.numerics import bfloat16_instructions, numerics, set_numerics, thread_limit
from benchmark.execution.packs import packs_of
from benchmark.execution.process_plan import ProcessPlan, _quota, process_plan, usable_cores
from benchmark.execution.worker_loop import Ready, shared_tensor
from benchmark.execution.worker_processes import run_packs
from benchmark.files import REPOSITORY
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions


@pytest.fixture
def grid(tmp_path):
    return tiny_grid(tmp_path)


EACH_DOES_BOTH = ProcessPlan(trainers=2, scorers=0, threads=1)
ALONE = ProcessPlan(trainers=1, scorers=0, threads=1)
DIVIDED = ProcessPlan(trainers=1, scorers=1, threads=1)


def start(grid, out, workers=EACH_DOES_BOTH, most=1, patience=math.inf, **more):
    context = TrialContext(out, "cpu", None, **more)
    data = DataOptions.of(TINY, out, offline=True)
    return run_packs(packs_of(grid.trials(), grid.trials(), most), context, data, workers, patience=patience)


def no_children_left(seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.05)
    return not multiprocessing.active_children()


HOSTILE = """
import dataclasses, torch
from benchmark.methods.registry import METHODS as THEIRS
torch.set_num_threads(2)
torch.set_default_dtype(torch.float64)
torch.set_float32_matmul_precision("medium")
METHODS = [dataclasses.replace(THEIRS["vae"], name="own", label="Own")]
"""


def test_how_a_worker_computes_does_not_depend_on_what_a_method_file_sets(grid, tmp_path):
    (tmp_path / "own.py").write_text(HOSTILE)
    list(start(grid, tmp_path / "with", ALONE, method_files=(tmp_path / "own.py",)))
    list(start(grid, tmp_path / "without", ALONE))
    for trial in grid.trials():
        found, expected = (Store(tmp_path / out).read_record(trial.key) for out in ("with", "without"))
        assert found.ok and found.metrics == expected.metrics and found.curves == expected.curves
        assert found.provenance.numerics == expected.provenance.numerics


def test_how_an_audit_computes_does_not_depend_on_what_a_method_file_sets(tmp_path):
    (tmp_path / "own.py").write_text(HOSTILE)
    asked = (
        "from pathlib import Path\nimport torch\nfrom benchmark.audit.audit_processes import _prepare\n"
        f"_prepare('cpu', [Path({str(tmp_path / 'own.py')!r})])\n"
        "print(torch.get_num_threads(), torch.get_default_dtype(), torch.get_float32_matmul_precision())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True)
    assert done.stdout == "1 torch.float32 highest\n", done.stderr


UNTIDY = """
import dataclasses, random
import numpy, torch
from benchmark.methods.registry import METHODS as THEIRS
vae = THEIRS["vae"].model_class
tidy = vae.loss_terms
def untidy(self, images, noise):
    torch.set_float32_matmul_precision("medium")
    torch.use_deterministic_algorithms(True, warn_only=True)
    found = tidy(self, images, noise)
    found.terms["kl"] = found.terms["kl"] + torch.rand(()) + random.random() + numpy.random.rand()
    return found
vae.loss_terms = untidy
METHODS = [dataclasses.replace(THEIRS["vae"], name="own", label="Own")]
"""


def test_a_trial_is_the_same_first_and_last_in_a_process_whatever_those_before_it_have_set_or_drawn(grid, tmp_path):
    (tmp_path / "untidy.py").write_text(UNTIDY)  # what it does to the VAE happens in the workers alone
    trials = grid.trials()
    data = DataOptions.of(TINY, tmp_path, offline=True)
    for name, ordered in (("forth", trials), ("back", trials[::-1])):
        context = TrialContext(tmp_path / name, "cpu", None, method_files=(tmp_path / "untidy.py",))
        events = [*run_packs(packs_of(ordered, ordered, 1), context, data, ALONE)]
        assert [event.what for event in events if event.kind == "started"] == packs_of(ordered, ordered, 1)
    solo = TrialContext(tmp_path / "solo", "cpu", None)
    fields = ("status", "metrics", "curves", "health", "details", "parameters")
    for trial in trials:
        forth, back = (Store(tmp_path / name).read_record(trial.key) for name in ("forth", "back"))
        assert {name: forth.plain[name] for name in fields} == {name: back.plain[name] for name in fields}
        assert forth.status == "ok" and forth.provenance.numerics == back.provenance.numerics
        weights = [load_file(Store(tmp_path / name).checkpoint_path(trial.key)) for name in ("forth", "back")]
        assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
        [alone] = records_of([trial], grid.datasets["mnist"], solo)
        assert ({name: alone.plain[name] for name in fields} == {name: forth.plain[name] for name in fields}) == (
            trial.method == "gmvae"
        )


def test_a_workers_images_are_those_of_the_memory_map_and_not_a_copy(tmp_path, recwarn):
    images = np.arange(2 * 16, dtype=np.uint8).reshape(2, 1, 4, 4)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    shared = shared_tensor(mapped[:1])
    assert shared.data_ptr() == mapped.ctypes.data and torch.equal(shared, torch.from_numpy(images[:1]))
    assert not recwarn.list


@pytest.mark.parametrize("workers", [EACH_DOES_BOTH, DIVIDED])
@pytest.mark.parametrize("most", [1, 2])
def test_however_the_work_is_divided_the_records_are_those_of_one_process(grid, tmp_path, workers, most):
    events = list(start(grid, tmp_path, workers, most))
    trials = grid.trials()
    for pack in packs_of(trials, trials, most):
        kinds = [(event.kind, event.value) for event in events if event.what == pack]
        assert kinds == [("started", 0), ("epoch", 1), ("epoch", 2), ("trained", 0)]
    again = list(start(grid, tmp_path, workers, most))
    for pack in packs_of(trials, trials, most):
        assert [event.kind for event in again if event.what == pack] == ["started", "trained"]
    assert [event.value for event in events if event.kind == "finished"] == ["ok"] * 4
    solo = TrialContext(tmp_path / "solo", "cpu", None)
    for trial in trials:
        record = Store(tmp_path).read_record(trial.key)
        [alone] = records_of([trial], grid.datasets["mnist"], solo)
        assert (record.metrics, record.curves) == (alone.metrics, alone.curves)
        numerics = {"threads": 1, "tf32": False, "deterministic": False, "strict": False}
        numerics["vector_instructions"] = torch.backends.cpu.get_cpu_capability()
        numerics["bfloat16_instructions"] = bfloat16_instructions()
        assert record.provenance.numerics == numerics
    assert no_children_left()


def test_the_trainer_waits_while_too_much_is_unscored(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(ProcessPlan, "unscored_limit", property(lambda self: 1))
    begun_while_nothing_is_scored, paused = 0, True

    def go_on(scorer):
        nonlocal paused
        paused = False
        os.kill(scorer.pid, signal.SIGCONT)

    for event in start(grid, tmp_path, DIVIDED):
        if event.kind == "started" and paused:
            begun_while_nothing_is_scored += 1
            if begun_while_nothing_is_scored == 1:
                scorer = max(multiprocessing.active_children(), key=lambda child: int(child.name.rsplit("-", 1)[-1]))
                os.kill(scorer.pid, signal.SIGSTOP)
                threading.Timer(3, go_on, [scorer]).start()  # the trainer would end all four packs in one second
    # One trial may be with the stopped scorer and one waits; the other two packs are not begun.
    assert begun_while_nothing_is_scored <= 2
    assert len(list((tmp_path / "records").iterdir())) == 4


def test_after_its_time_a_run_begins_nothing_and_ends_what_it_has_begun(grid, tmp_path, monkeypatch):
    context = TrialContext(tmp_path, "cpu", None)
    data = DataOptions.of(TINY, tmp_path, offline=True)

    now = 0.0

    def begun(packs, seconds, passing=0.0):
        nonlocal now
        found = []
        for event in run_packs(packs, context, data, ALONE, seconds):
            if event.kind == "started":
                found.append(event.what)
                now += passing
        return found

    packs = packs_of(grid.trials(), grid.trials(), 1)
    assert begun(packs, 0) == []
    monkeypatch.setattr("benchmark.execution.worker_processes.time.monotonic", lambda: now)
    first = begun(packs, 100, passing=200.0)
    assert first == packs[:1]
    [trial] = first[0].trials
    assert Store(tmp_path).read_record(trial.key).status == "ok"
    assert len(list((tmp_path / "records").iterdir())) == 1
    monkeypatch.undo()
    assert len(begun(packs[1:], math.inf)) == 3


def test_a_killed_worker_costs_its_trial_alone(grid, tmp_path):
    killed = None
    for event in start(grid, tmp_path, ALONE):
        if event.kind == "started" and killed is None:
            [killed] = event.what.trials
            multiprocessing.active_children()[0].kill()
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert {key: record.status for key, record in records.items()} == {
        trial.key: "failed" if trial == killed else "ok" for trial in grid.trials()
    }
    assert records[killed.key].reason == "its process died with exit code -9 (out of memory?)"
    assert records[killed.key].metrics == {}


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended_and_costs_its_trial_alone(grid, tmp_path):
    hung = None
    for event in start(grid, tmp_path, ALONE, patience=8):
        if event.kind == "started" and hung is None:
            [hung] = event.what.trials
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGSTOP)
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert {key: record.status for key, record in records.items()} == {
        trial.key: "failed" if trial == hung else "ok" for trial in grid.trials()
    }
    assert records[hung.key].reason == "its process made no progress for 8 s and was killed"
    assert no_children_left()


def test_every_trainer_has_a_device_of_its_own(grid, tmp_path):
    """Several GPUs stand here as several names of the CPU."""
    list(start(grid, tmp_path, ProcessPlan(2, 0, 1, devices=("cpu:0", "cpu"))))
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    devices = {record.provenance.device.partition(" ")[0] for record in records.values()}
    assert devices == {"cpu:0", "cpu"}


def test_a_worker_that_dies_between_two_trials_costs_nothing(grid, tmp_path):
    for event in start(grid, tmp_path, ALONE):
        if event.kind == "finished":
            for child in multiprocessing.active_children():
                child.kill()
                child.join()
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert [record.status for record in records.values()] == ["ok"] * 4


def test_an_error_inside_a_trial_is_a_failed_record_with_its_reason(grid, tmp_path):
    grid.trials()[0].settings["n_components"] = -1  # which its other seed shares
    list(start(grid, tmp_path, ALONE))
    for trial in grid.trials():
        record = Store(tmp_path).read_record(trial.key)
        assert record.status == ("failed" if trial.method == "gmvae" else "ok")
        assert trial.method != "gmvae" or "method gmvae: n_components = -1: " in record.reason


def test_a_folder_that_cannot_be_written_stops_the_study_with_one_line(grid, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="file") as error:
        list(start(grid, tmp_path / "file" / "out", ALONE))
    assert "\n" not in str(error.value)
    assert no_children_left()


def test_leaving_early_ends_the_processes(grid, tmp_path):
    events = start(grid, tmp_path)
    next(events)
    events.close()
    assert no_children_left()


def test_a_scorer_that_dies_costs_the_trial_that_it_had_at_most(grid, tmp_path):
    killed = False
    for event in start(grid, tmp_path, DIVIDED):
        if event.kind == "trained" and not killed:
            # Processes are started in the order of their work: the trainer first.
            scorer = max(multiprocessing.active_children(), key=lambda child: int(child.name.rsplit("-", 1)[-1]))
            scorer.kill()
            killed = True
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert len(records) == 4
    failed = [record.reason for record in records.values() if record.status != "ok"]
    assert len(failed) <= 1 and all("its process died" in reason for reason in failed)
    # What was trained is only scored again.
    list(start(grid, tmp_path, DIVIDED))
    assert {record.status for record in Store(tmp_path).read_records(list(records)).values()} == {"ok"}


def test_a_crew_for_a_gpu_trains_in_one_process_and_for_a_cpu_in_all(monkeypatch):
    monkeypatch.setattr("benchmark.execution.process_plan.usable_cores", lambda: 16)
    assert process_plan("cuda:1") == ProcessPlan(trainers=1, scorers=15, threads=1)
    assert process_plan("cuda", jobs=4).scorers == 4 and process_plan("cuda").unscored_limit == 30
    assert process_plan("cuda:2", devices=("cuda:2", "cuda:3")) == ProcessPlan(2, 14, 1, ("cuda:2", "cuda:3"))
    assert process_plan("cuda:2", devices=("cuda:2", "cuda:3")).says == "2 processes train, 14 score"
    assert process_plan("cpu") == ProcessPlan(trainers=8, scorers=0, threads=1)
    assert process_plan("cpu", jobs=2) == ProcessPlan(trainers=2, scorers=0, threads=4)
    assert process_plan("cuda").says == "1 process trains, 15 score" and process_plan("cpu").says == "8 at once"


@pytest.mark.parametrize(
    ("variables", "limit"),
    [
        ({}, None),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_NUM_THREADS": "8", "OMP_THREAD_LIMIT": "2"}, 2),
        ({"MKL_NUM_THREADS": "4"}, 4),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
    ],
)
def test_the_users_thread_limit_bounds_what_a_process_takes(monkeypatch, variables, limit):
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert thread_limit() == limit
    threads = torch.get_num_threads()
    for asked in (1, 6):
        set_numerics("cpu", asked)
        assert numerics()["threads"] == min(asked, limit or asked)
    torch.set_num_threads(threads)


def test_a_worker_honours_the_thread_limit_and_records_it(grid, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    events = start(grid, tmp_path, ProcessPlan(trainers=1, scorers=0, threads=2))
    trial = next(event.what for event in events if event.kind == "finished")
    events.close()
    record = Store(tmp_path).read_record(trial.key)
    assert record.status == "ok" and record.provenance.numerics["threads"] == 1


def files(root, contents):
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("contents", "cores"),
    [
        ({}, 64),
        ({"proc/self/cgroup": "0::/\n"}, 64),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 64),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/user.slice/mine\n",
                "sys/fs/cgroup/user.slice/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/user.slice/mine/cpu.max": "max 100000\n",
            },
            2,
        ),
        (  # version 1; in a container the group's path is the host's
            {
                "proc/self/cgroup": "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n0::/docker/ab\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            64,
        ),
    ],
)
def test_a_containers_quota_of_cpu_time_is_read(tmp_path, contents, cores):
    files(tmp_path, contents)
    assert _quota(tmp_path, 64) == cores


def test_usable_cores_are_those_of_the_affinity_the_slurm_share_and_the_quota(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(64), raising=False)
    monkeypatch.setattr("benchmark.execution.process_plan._quota", lambda root, cores: cores)
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert usable_cores() == 64
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "16")
    assert usable_cores() == 16
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    assert usable_cores() == 16  # a script is one, whatever its job's tasks
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    assert usable_cores() == 4
    monkeypatch.setattr("benchmark.execution.process_plan._quota", lambda root, cores: 1.5)
    assert usable_cores() == 2
    monkeypatch.setattr("benchmark.execution.process_plan._quota", lambda root, cores: 0.2)
    assert usable_cores() == 1


def test_deterministic_runs_leave_the_same_records_bit_by_bit(grid, tmp_path):
    def run(out):
        list(start(grid, out, deterministic=True))
        records = Store(out).read_records([trial.key for trial in grid.trials()])
        assert all(record.provenance.numerics["strict"] for record in records.values())
        fields = ("identity", "status", "metrics", "curves", "health", "details", "parameters")
        return {key: {field: record.plain[field] for field in fields} for key, record in records.items()}

    first = run(tmp_path / "one")
    assert len(first) == 4 and first == run(tmp_path / "other")
    checkpoints = [load_file(Store(tmp_path / out).checkpoint_path(key)) for out in ("one", "other") for key in first]
    for one, other in zip(checkpoints[:4], checkpoints[4:], strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def die_at_start(*_):
    os._exit(7)


def test_processes_that_die_as_they_start_end_the_run_with_one_line(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(workers_module, "serve", die_at_start)
    with pytest.raises(UserError, match="4 worker processes died while starting"):
        list(start(grid, tmp_path, ALONE))
    assert no_children_left()


def half_a_message(connection, *_):
    connection.send(Ready())
    connection.recv()
    os.write(connection.fileno(), (1000).to_bytes(4, "big") + b"half")  # as one that is killed while it sends
    os._exit(9)


def test_a_worker_killed_in_the_middle_of_a_message_costs_its_trial_alone(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(workers_module, "serve", half_a_message)
    list(start(grid, tmp_path, ALONE))
    records = Store(tmp_path).read_records([trial.key for trial in grid.trials()])
    assert [record.status for record in records.values()] == ["failed"] * 4
    assert {record.reason for record in records.values()} == {"its process died with exit code 9"}
