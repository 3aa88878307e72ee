"""Packs as jobs of a cluster: on a real Slurm of one node, and with a queue and an executor that only pretend."""

import dataclasses
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from slurm_node import reason_why_not, slurm_node
from tiny_study import TINY, tiny_grid

from benchmark.cli import main
from benchmark.errors import UserError
from benchmark.execution import slurm, slurm_queue
from benchmark.execution.evaluate_trial import TrialContext, empty_record
from benchmark.execution.packs import packs_of
from benchmark.execution.resume import write_manifest
from benchmark.execution.slurm import ATTEMPTS, SlurmOptions, refuse_live_jobs, run_on_slurm
from benchmark.execution.slurm_jobs import Job, log_end, stored_jobs
from benchmark.execution.slurm_queue import QueueUnknown
from benchmark.files import REPOSITORY
from benchmark.results.store import Store
from benchmark.studies.grid import DataOptions

submitit = pytest.importorskip("submitit", minversion="1.5.4")

# On a real Slurm ---------------------------------------------------------------------------------------------

ONLY = "table=2,dataset=mnist,method=vae,method=wae_rbf,method=hgmvae_u,method=gmvae"
# Of so many epochs that a job is still at work when it is killed.
FOUR_PACKS = (
    *("--study", "smoke", "--seeds", "2", "--only", ONLY, "--pack", "2", "--epochs", "48"),
    *("--offline", "--no-report"),
)
ON_SLURM = ("run", "--no-report", "--study", "smoke", "--only", ONLY, "--executor", "slurm")
CLUSTER = ("--executor", "slurm", "--partition", "test", "--cpus-per-task", "1", "--time", "11")


def command(out: Path, *more: str) -> list[str]:
    data = ("--data-dir", str(out.parent / "data"))
    return [sys.executable, "-m", "benchmark", "run", *FOUR_PACKS, "--out", str(out), *data, *more]


def jobs_in(state: str) -> list[str]:
    """Ids of the jobs of the queue in this state."""
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", f"--states={state}", "--format=%i"], capture_output=True, text=True
    )
    return listed.stdout.split()


def wait_until(true: Callable[[], object], what: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.1)


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "tables").iterdir())}


@pytest.mark.slow
@pytest.mark.skipif(reason_why_not() is not None, reason=reason_why_not() or "")
def test_jobs_killed_requeued_and_rejoined_give_the_tables_of_a_local_run(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    out = tmp_path / "cluster"
    with slurm_node() as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        first = subprocess.Popen(
            command(out, *CLUSTER), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: len(jobs_in("RUNNING")) == 2 or first.poll() is not None, "two jobs run")
        assert first.poll() is None, first.communicate()
        first.send_signal(signal.SIGINT)
        said, error = first.communicate(timeout=180)
        assert first.returncode == 130
        assert "The jobs stay in the queue. The same command follows them again" in said and "interrupted" in error

        killed, requeued = sorted(jobs_in("RUNNING"))
        subprocess.run(["scancel", "--signal=KILL", killed], check=True)
        subprocess.run(["scontrol", "requeue", requeued], check=True)
        wait_until(lambda: killed not in jobs_in("RUNNING"), "the killed job is gone")
        local = subprocess.run(command(out, "--device", "cpu"), cwd=REPOSITORY, capture_output=True, text=True)
        assert local.returncode == 2 and "Slurm jobs are running its trials" in local.stderr
        status = subprocess.run(
            [sys.executable, "-m", "benchmark", "status", out], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert status.returncode == 0 and f"Slurm job {killed}: not in the queue, attempt 1" in status.stdout

        second = subprocess.run(command(out, *CLUSTER), cwd=REPOSITORY, capture_output=True, text=True)
        assert second.returncode == 0, second.stderr
        submissions = sorted((out / "jobs" / "logs").glob("*_submission.sh"))
        assert len(submissions) == 2  # all four at first, then the one that was killed
        assert not stored_jobs(Store(out))
        assert not list(out.rglob("*.part"))
    assert (
        subprocess.run(command(tmp_path / "local", "--device", "cpu"), cwd=REPOSITORY, capture_output=True).returncode
        == 0
    )
    assert tables(out) == tables(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.skipif(reason_why_not() is not None, reason=reason_why_not() or "")
def test_jobs_submitted_from_a_job_have_their_own_options_and_our_packages(tmp_path, monkeypatch):
    """Whatever the outer job, the user's SBATCH_* or a cluster's modules have set, with and without its export."""
    foreign = tmp_path / "modules"
    foreign.mkdir()
    (foreign / "numpy.py").write_text("raise SystemExit('a numpy of the modules')\n")

    def task(path: str, before: dict) -> None:
        told = {name: value for name, value in os.environ.items() if name.startswith(("SLURM", "SRUN_", "PYTHON"))}
        seen = {"environment": told, "path": sys.path, "prefix": sys.prefix}
        Path(path).write_text(json.dumps(seen), encoding="utf-8")

    monkeypatch.chdir(foreign)
    outer = {
        "SLURM_MEM_PER_CPU": "100",
        "SLURM_MEM_PER_NODE": "4000",
        "SLURM_NTASKS": "7",
        "SLURM_ACCOUNT": "nobody",
        "SLURM_EXPORT_ENV": "NONE",
        "SRUN_CPUS_PER_TASK": "64",
        "SBATCH_PARTITION": "nowhere",
        "SBATCH_TIMELIMIT": "1",
        "SBATCH_WAIT": "1",
        "SBATCH_MEM_PER_CPU": "100",
        "SQUEUE_STATES": "COMPLETED",
        "PYTHONPATH": str(foreign),
    }
    with slurm_node() as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        for name, value in outer.items():
            monkeypatch.setenv(name, value)
        for export in ("ALL", "NONE"):
            monkeypatch.setenv("SBATCH_EXPORT", export)
            store = Store(tmp_path / f"it's 日 {export}")
            told = {name: tmp_path / f"{export}-{name}" for name in ("a", "b")}
            options = SlurmOptions("test", mem="200M", cpus_per_task=2, max_jobs=1, minutes=11)
            packs, befores = {name: str(path) for name, path in told.items()}, {name: {} for name in told}
            jobs = slurm._submit(store, task, packs, befores, dict.fromkeys(told, 1), options)
            assert {*slurm_queue.queue()} >= {job.id for job in jobs.values()}
            wait_until(lambda told=told: all(path.exists() for path in told.values()), f"jobs with {export}", 90)
            for name, path in told.items():
                wait_until(path.read_text, "it is written")
                found = json.loads(path.read_text())
                environment = found["environment"]
                assert found["path"][0] == environment["PYTHONPATH"] == str(REPOSITORY)
                assert not {"", str(foreign)} & {*found["path"]} and found["prefix"] == sys.prefix
                assert environment["SLURM_MEM_PER_NODE"] == "200" and "SLURM_MEM_PER_CPU" not in environment
                assert environment["SLURM_NTASKS"] == "1" and environment["SLURM_CPUS_PER_TASK"] == "2"
                assert environment["SLURM_JOB_PARTITION"] == "test"
                assert (store.folder / jobs[name].log).exists()


# With a pretended one ----------------------------------------------------------------------------------------


class PretendedCluster:
    """Stands in for submitit and for squeue. `does(task, pack, before, log)` is what a job does; `live`: the queue."""

    def __init__(self, does):
        self.does, self.live, self.submitted, self.asked = does, {}, [], {}
        self.stays = False  # whether jobs are in the queue once they have been submitted

    def executor(self, folder, python):
        self.python, self.environment = python, dict(os.environ)
        return SimpleNamespace(
            update_parameters=self.asked.update, map_array=lambda *arrays: self._submit(Path(folder), *arrays)
        )

    def _submit(self, folder, task, packs, befores):
        folder.mkdir(parents=True, exist_ok=True)
        number = len(self.submitted) + 1
        self.submitted.append([str(pack) for pack in packs])
        handles = []
        for index, (pack, before) in enumerate(zip(packs, befores, strict=True)):
            log = folder / f"{number}_{index}_0_log.out"
            log.touch()
            handles.append(SimpleNamespace(job_id=f"{number}_{index}", paths=SimpleNamespace(stdout=log)))
            self.does(task, pack, before, log)
        self.live |= dict.fromkeys((handle.job_id for handle in handles), "RUNNING") if self.stays else {}
        return handles


@pytest.fixture
def cluster(monkeypatch):
    def pretend(does) -> PretendedCluster:
        pretended = PretendedCluster(does)
        monkeypatch.setattr(submitit, "SlurmExecutor", pretended.executor)
        monkeypatch.setattr(slurm_queue, "queue", lambda name=None: dict(pretended.live))
        monkeypatch.setattr(slurm, "SECONDS_BETWEEN_LOOKS", 0.0)
        monkeypatch.setattr(slurm, "SECONDS_ABSENT", 0.0)
        return pretended

    return pretend


@pytest.fixture
def study(tmp_path):
    """A store with a manifest, its two packs of two trials, and what `run_on_slurm` needs besides."""
    grid = tiny_grid(tmp_path)
    store = Store(tmp_path / "out")
    write_manifest(store, grid)
    packs = packs_of(grid.trials(), grid.trials(), None)
    assert [len(pack.trials) for pack in packs] == [2, 2]
    return (
        store,
        packs,
        TrialContext(store.folder, "cpu", None),
        DataOptions.of(TINY, tmp_path, offline=True),
    )


def writes_records(store, status="ok"):
    def does(task, pack, before, log):
        for trial in pack.wanted_trials:
            store.write_record(empty_record(trial, "cpu", status, "" if status == "ok" else "so it is"))

    return does


def dies(task, pack, before, log):
    log.write_text("begun\n\nBus error\n")


def kinds(events):
    return [event.kind for event in events]


def test_a_record_that_a_job_has_left_without_what_was_asked_for_says_so_with_the_jobs_log(study, cluster):
    store, packs, context, data = study

    def adds_nothing(task, pack, before, log):
        for trial in pack.wanted_trials:
            lacking = {"reconstruction": {"fid": "not asked for (--metrics fid)"}}
            store.write_record(empty_record(trial, "cpu").updated(unavailable=lacking))

    cluster(adds_nothing)
    results = [e.value for e in run_on_slurm(packs, context, data, SlurmOptions()) if e.kind == "finished"]
    assert len(results) == 4
    assert all(re.fullmatch("requested metrics are missing; see jobs/logs/.*", result) for result in results)
    left_out = dataclasses.replace(context, left_out=frozenset(["fid"]))
    results = [e.value for e in run_on_slurm(packs, left_out, data, SlurmOptions()) if e.kind == "finished"]
    assert results == ["ok"] * 4


def test_every_pack_is_a_job_of_one_array_with_what_was_asked_for(study, cluster):
    store, packs, context, data = study
    pretended = cluster(writes_records(store))
    options = SlurmOptions("gpu", "lab", "high", "a100|h100", "16G", 1, cpus_per_task=4, max_jobs=9, minutes=30)
    events = list(run_on_slurm(packs, context, data, options))
    assert pretended.submitted == [["mnist gmvae d=2 seed=0..1", "mnist vae d=8 seed=0..1"]]
    assert pretended.asked == {
        "job_name": slurm.job_name(store),
        "partition": "gpu",
        "account": "lab",
        "qos": "high",
        "constraint": "a100|h100",
        "mem": "16G",
        "gpus_per_node": 1,
        "cpus_per_task": 4,
        "array_parallelism": 9,
        "time": 30,
        "stderr_to_stdout": True,
        "setup": [f"export PYTHONPATH={shlex.quote(str(REPOSITORY))} PYTHONSAFEPATH=1", "unset PYTHONHOME"],
        "srun_args": ["--export=ALL", "--cpus-per-task=4"],
    }
    assert kinds(events) == ["finished"] * 4 and {event.value for event in events} == {"ok"}
    assert stored_jobs(store) == []
    on_cpu = SlurmOptions().parameters(store)
    assert not {"gpus_per_node", "account", "qos", "constraint", "mem"} & {*on_cpu}
    assert on_cpu["cpus_per_task"] == 1 and SlurmOptions().device == "cpu"
    assert SlurmOptions(gpus_per_node=1).parameters(store)["cpus_per_task"] == 8


def test_a_job_that_dies_is_tried_again_then_recorded_with_the_end_of_its_log(study, cluster):
    store, packs, context, data = study
    pretended = cluster(dies)
    events = list(run_on_slurm(packs[:1], context, data, SlurmOptions()))
    assert len(pretended.submitted) == ATTEMPTS == 3
    assert kinds(events) == ["finished"] * 2
    for trial in packs[0].trials:
        record = store.read_record(trial.key)
        assert record.status == "failed" and record.plain["details"]["log"] == ["begun", "Bus error"]
        assert record.reason.endswith("3 times; the log of 3_0 says: Bus error")
    assert stored_jobs(store) == []


def test_a_job_that_dies_once_costs_nothing(study, cluster):
    store, packs, context, data = study
    pretended = cluster(lambda *job: (dies if len(pretended.submitted) == 1 else writes_records(store))(*job))
    events = list(run_on_slurm(packs[:1], context, data, SlurmOptions()))
    assert len(pretended.submitted) == 2 and [event.value for event in events] == ["ok", "ok"]


def test_a_record_older_than_its_job_is_not_taken_for_the_jobs(study, cluster):
    store, packs, context, data = study
    writes_records(store, "failed")(None, packs[0], {}, None)
    pretended = cluster(dies)
    list(run_on_slurm(packs[:1], context, data, SlurmOptions()))
    assert len(pretended.submitted) == ATTEMPTS
    assert "3 times" in store.read_record(packs[0].trials[0].key).reason


def begin_and_leave(study, pretended, packs):
    """Submit the packs and end the watching at once, as Ctrl-C does; their jobs are in the queue."""
    store, _, context, data = study
    pretended.stays = True
    watch = run_on_slurm(packs, context, data, SlurmOptions())
    assert next(watch).kind == "started"
    watch.close()
    return store, context, data


def test_a_second_run_rejoins_its_jobs_and_submits_nothing_twice(study, cluster):
    pretended = cluster(lambda *job: None)
    store, context, data = begin_and_leave(study, pretended, study[1])
    assert len(stored_jobs(store)) == 2
    watch = run_on_slurm(study[1], context, data, SlurmOptions())
    assert next(watch).kind == "started" and len(pretended.submitted) == 1
    for pack in study[1]:
        writes_records(store)(None, pack, {}, None)
    assert kinds(watch).count("finished") == 4 and len(pretended.submitted) == 1
    assert stored_jobs(store) == []


def test_what_another_run_or_another_division_would_write_twice_is_refused(study, cluster):
    pretended = cluster(lambda *job: None)
    store, context, data = begin_and_leave(study, pretended, study[1])
    with pytest.raises(
        UserError, match=r"2 Slurm jobs are running its trials \(1_0, 1_1 \.\.\.\); continue with --executor"
    ):
        refuse_live_jobs(store)
    trials = [trial for pack in study[1] for trial in pack.trials]
    with pytest.raises(UserError, match="--pack: 2 Slurm jobs have the same trials in other packs"):
        next(run_on_slurm(packs_of(trials, trials, 1), context, data, SlurmOptions()))
    pretended.live = {}
    refuse_live_jobs(store)
    assert len(pretended.submitted) == 1


def test_a_job_whose_records_have_all_come_unwatched_is_none(study, cluster):
    pretended = cluster(lambda *job: None)
    store, *_ = begin_and_leave(study, pretended, study[1])
    writes_records(store)(None, study[1][0], {}, None)
    assert [job.id for job in stored_jobs(store)] == ["1_1"]
    writes_records(store)(None, study[1][1], {}, None)
    assert stored_jobs(store) == []
    refuse_live_jobs(store)


def test_a_job_does_only_what_is_missing(study, monkeypatch):
    store, packs, context, data = study
    wanted = []
    monkeypatch.setattr(slurm, "run_packs", lambda packs, *more, **how: wanted.append(packs[0].wanted) or [])
    done, missing = packs[0].trials
    store.write_record(empty_record(done, "cpu", "ok", ""))
    task = slurm.PackTask(context, data, math.inf)
    task(packs[0], {done.key: 0, missing.key: 0})
    assert wanted == [{missing.key}]
    task(dataclasses.replace(packs[0], wanted=frozenset({done.key})), {done.key: 0})
    assert len(wanted) == 1


def test_slurm_that_is_not_here_is_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([*ON_SLURM, "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path)]) == 2
    assert capfd.readouterr().err == (
        "benchmark: --executor slurm: squeue not found; run on a machine that has Slurm's commands\n"
    )


def test_a_controller_that_does_not_answer_leaves_the_jobs_as_they_are(study, cluster, monkeypatch):
    pretended = cluster(lambda *job: None)
    store, context, data = begin_and_leave(study, pretended, study[1])
    silent = iter(range(5))

    def queue(name=None):
        if next(silent, None) is not None:
            raise QueueUnknown("squeue does not respond")
        for pack in study[1]:
            writes_records(store)(None, pack, {}, None)
        return {}

    watch = run_on_slurm(study[1], context, data, SlurmOptions())
    assert next(watch).kind == "started"
    monkeypatch.setattr(slurm_queue, "queue", queue)
    assert kinds(watch).count("finished") == 4 and len(pretended.submitted) == 1


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Put a shell script in squeue's place."""

    def stand_in(script: str) -> None:
        (tmp_path / "squeue").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "squeue").chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return stand_in


def test_squeue_is_read_as_it_prints(squeue):
    squeue("echo '12_0 RUNNING'\necho '13_1 PENDING'\necho")
    assert slurm_queue.queue() == {"12_0": "RUNNING", "13_1": "PENDING"}


OLD_SQUEUE = """for option; do
  case $option in
    --me) echo "squeue: unrecognized option '--me'" >&2; echo 'Try "squeue --help" for more information' >&2; exit 1 ;;
    --user=*) echo "12_0 RUNNING ${option#--user=}" ;;
  esac
done"""


def test_an_old_squeue_without_me_is_asked_by_number(squeue):
    squeue(OLD_SQUEUE)
    assert slurm_queue.queue() == {"12_0": f"RUNNING {os.geteuid()}"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "printf 'slurm_load_jobs error: Unable to contact\\nslurm controller \\351\\n' >&2; exit 1",
            "squeue says: slurm_load_jobs error: Unable to contact slurm controller \ufffd",
        ),
        ("exit 1", "squeue failed without a message"),
        ("exec sleep 60", "squeue does not respond; is the controller running?"),
    ],
)
def test_a_queue_that_cannot_be_had_is_told_in_squeues_words(script, reason, squeue, study, monkeypatch, capfd):
    store, packs, context, data = study
    (store.folder / "jobs").mkdir()
    (store.folder / "jobs" / "a.json").write_text(json.dumps(JOB))
    squeue(script)
    run = subprocess.run
    monkeypatch.setattr(slurm_queue.subprocess, "run", lambda *command, **how: run(*command, **how | {"timeout": 1}))
    with pytest.raises(UserError) as refused:
        next(run_on_slurm(packs, context, data, SlurmOptions()))
    assert str(refused.value) == f"--executor slurm: {reason}"
    with pytest.raises(UserError) as refused:
        refuse_live_jobs(store)
    assert f"whether they still run ({reason})" in str(refused.value)
    assert main(["status", str(store.folder)]) == 0
    assert f"Slurm cannot report their state ({reason})" in capfd.readouterr().out


def test_a_queue_that_falls_silent_before_submission_submits_nothing(study, cluster, monkeypatch):
    store, packs, context, data = study
    pretended = cluster(writes_records(store))

    def queue(name=None):
        if name:
            raise QueueUnknown("squeue does not respond")
        return {}

    monkeypatch.setattr(slurm_queue, "queue", queue)
    with pytest.raises(UserError, match="squeue does not respond"):
        next(run_on_slurm(packs, context, data, SlurmOptions()))
    assert pretended.submitted == []


def test_the_queue_is_not_seen_through_the_users_filters_or_an_outer_job(squeue, monkeypatch):
    squeue("env | grep -E '^(SQUEUE|SLURM|SRUN|SBATCH)' | LC_ALL=C sort | sed 's/^/1_/; s/=/ /'; echo CLUSTER: one")
    for name in ("SQUEUE_STATES", "SQUEUE_PARTITION", "SQUEUE_FORMAT2", "SLURM_TIME_FORMAT", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SLURM_CONF", "conf")
    monkeypatch.setenv("SLURM_CLUSTERS", "one")
    assert slurm_queue.queue() == {"1_SLURM_CONF": "conf", "1_SLURM_CLUSTERS": "one"}
    monkeypatch.setenv("SBATCH_CLUSTERS", "other")  # where sbatch submits to
    assert slurm_queue.queue() == {"1_SLURM_CONF": "conf", "1_SLURM_CLUSTERS": "other", "1_SBATCH_CLUSTERS": "other"}


def test_submission_is_told_of_the_site_and_the_user_but_of_no_outer_job(study, cluster, monkeypatch):
    store, packs, context, data = study
    for name in os.environ:
        if name.startswith(("SLURM", "SRUN_", "SBATCH_")):
            monkeypatch.delenv(name)
    stays = {
        "SLURM_CONF": "conf",
        "SLURM_CONF_SERVER": "a:1",
        "SLURM_CLUSTERS": "one",
        "SLURM_JWT": "token",
        "SBATCH_RESERVATION": "mine",
        "SBATCH_EXPORT": "NONE",
        "SBATCH_ACCOUNT": "lab",
        "SBATCH_MEM_PER_CPU": "1G",
    }
    goes = dict.fromkeys(
        [
            *("SLURM_MEM_PER_CPU", "SLURM_MEM_PER_NODE", "SLURM_CPUS_PER_TASK", "SLURM_NTASKS", "SLURM_GPUS"),
            *("SLURM_JOB_ID", "SLURM_EXPORT_ENV", "SLURMD_NODENAME", "SRUN_CPUS_PER_TASK", "SRUN_EXPORT_ENV"),
            *("SBATCH_TIMELIMIT", "SBATCH_SIGNAL", "SBATCH_JOB_NAME", "SBATCH_WAIT", "SBATCH_PARTITION"),
        ],
        "outer",
    )
    for name, value in (stays | goes).items():
        monkeypatch.setenv(name, value)
    outside = dict(os.environ)
    pretended = cluster(writes_records(store))
    list(run_on_slurm(packs, context, data, SlurmOptions(partition="test")))
    assert {name: value for name, value in outside.items() if name not in goes} == pretended.environment
    assert stays.items() <= pretended.environment.items()
    assert dict(os.environ) == outside

    def refuses(*job):
        raise RuntimeError("Welcome!\n\nsbatch: error: QOSMaxSubmit\nsbatch: error: Batch job submission failed: no\n")

    pretended = cluster(refuses)
    with pytest.raises(UserError, match=r"the jobs \(sbatch: error: QOSMaxSubmit sbatch: error: .* failed: no\)$"):
        next(run_on_slurm(packs, context, data, SlurmOptions(mem="1G")))
    assert "SBATCH_MEM_PER_CPU" not in pretended.environment and pretended.environment["SBATCH_PARTITION"] == "outer"
    assert dict(os.environ) == outside


def test_jobs_keep_the_environment_that_a_link_named(study, cluster, monkeypatch, tmp_path):
    store, packs, context, data = study
    (tmp_path / "venv of today" / "bin").mkdir(parents=True)
    (tmp_path / "venv of today" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv").symlink_to("venv of today")
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    pretended = cluster(writes_records(store))
    list(run_on_slurm(packs, context, data, SlurmOptions()))
    assert pretended.python == f"'{tmp_path.resolve()}/venv of today/bin/python'"


@pytest.mark.parametrize(
    ("name", "named"), [("50%", "'%'"), ("%j", "'%'"), ("a\\b", r"'\\\\'"), ("a\nb", r"'\\n'"), ("a\udce9", r"udce9'")]
)
def test_a_path_that_slurm_would_not_write_logs_to_is_refused_before_anything_is_submitted(
    name, named, study, cluster, tmp_path
):
    _, packs, context, data = study
    pretended = cluster(lambda *job: None)
    (tmp_path / "link").symlink_to(tmp_path / name)
    for out in (tmp_path / name, tmp_path / "link"):
        context = dataclasses.replace(context, out=out)
        with pytest.raises(UserError, match=f"(?s)--out .*: Slurm cannot write logs to a path with .*{named}"):
            next(run_on_slurm(packs, context, data, SlurmOptions()))
    assert pretended.submitted == []


def test_a_submitit_that_no_job_can_import_is_refused(study, cluster, monkeypatch):
    _, packs, context, data = study
    pretended = cluster(lambda *job: None)
    monkeypatch.setattr(submitit, "__version__", "1.5.3")
    with pytest.raises(UserError, match=r"submitit 1\.5\.3 is too old; ./run_all.sh pip install 'submitit>=1\.5\.4'"):
        next(run_on_slurm(packs, context, data, SlurmOptions()))
    assert pretended.submitted == []


def test_no_sbatch_or_no_srun_is_one_line(study, squeue, monkeypatch, tmp_path):
    _, packs, context, data = study
    squeue("exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r'refused the jobs \(Could not detect "srun"'):
        next(run_on_slurm(packs, context, data, SlurmOptions()))
    (tmp_path / "srun").symlink_to("/bin/true")
    with pytest.raises(UserError, match=r"no jobs can be submitted from .*: 'sbatch'"):
        next(run_on_slurm(packs, context, data, SlurmOptions()))


@pytest.mark.parametrize("minutes", ["1", "2", "10"])
def test_a_limit_in_which_every_preemption_would_be_a_time_out_is_refused(minutes, tmp_path, capfd):
    arguments = ["run", "--study", "smoke", "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path)]
    assert main([*arguments, "--executor", "slurm", "--time", minutes]) == 2
    said = capfd.readouterr().err
    assert f"--time {minutes}: give at least 11; submitit treats a preemption in the last 10 minutes" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("minutes", "early"), [(10, True), (slurm.LEAST_MINUTES, False)])
def test_the_least_limit_is_the_first_in_which_submitit_knows_a_preemption(minutes, early, tmp_path):
    from submitit.core.job_environment import SignalHandler

    delayed = submitit.helpers.DelayedSubmission(print)
    delayed.set_timeout(minutes, 3)
    handler = SignalHandler(None, submitit.core.utils.JobPaths(tmp_path), delayed)
    assert handler.has_timed_out() is early


@pytest.mark.parametrize(
    "option",
    [
        ("--account", "two words"),
        ("--qos", ""),
        ("--constraint", "a\nsrun evil"),
        ("--partition", "$(id)"),
        *(("--mem", size) for size in ("16", "16GB", "-1G", "0G", "1.5G", "much")),
    ],
)
def test_what_slurm_could_not_understand_is_refused_by_its_flag(option, tmp_path, capfd):
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--executor", "slurm", "=".join(option)])
    assert f"argument {option[0]}: {repr(option[1]) if option[1] else 'is empty'}" in capfd.readouterr().err


@pytest.mark.parametrize("flag", ["account", "qos", "constraint", "mem"])
def test_what_is_for_jobs_is_refused_without_them(flag, capfd):
    assert main(["run", f"--{flag}", "1G"]) == 2
    assert capfd.readouterr().err == f"benchmark: --{flag}: requires --executor slurm\n"


def test_status_tells_what_is_done_queued_running_and_failed(study, cluster, monkeypatch, capfd):
    pretended = cluster(lambda *job: None)
    store, *_ = begin_and_leave(study, pretended, study[1])
    monkeypatch.setattr("benchmark.commands.show_status.queue", lambda: {"1_0": "PENDING", "1_1": "RUNNING"})
    store.write_record(empty_record(study[1][0].trials[0], "cpu", "ok", ""))
    assert main(["status", str(store.folder)]) == 0
    said = capfd.readouterr().out
    rows = {line.split("|")[1].strip(): line for line in said.splitlines() if line.startswith("| Table")}
    head = next(line for line in said.splitlines() if "trials" in line)
    columns = [cell.strip() for cell in head.split("|")[1:-1]]

    def count(table: str, state: str) -> str:
        return rows[table].split("|")[1:-1][columns.index(state)].strip()

    assert (count("Table 1", "ok"), count("Table 1", "queued"), count("Table 1", "running")) == ("1", "1", "0")
    assert (count("Table 2", "running"), count("Table 2", "queued")) == ("2", "0")
    assert "Slurm job 1_0: pending, attempt 1, 2 trials, log" in said


JOB = {"pack": "a", "id": "1_0", "attempt": 1, "before": {"k": 0}, "log": "jobs/logs/1_0_log.out"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        json.dumps({"pack": "a"}),
        *(
            json.dumps(JOB | other)
            for other in (
                {"pack": "b"},
                {"id": [1]},
                {"id": "\x1b[2J"},
                {"attempt": "one"},
                {"before": ["k"]},
                {"before": {"../k": 0}},
                {"before": {"k": "now"}},
                {"log": "../../elsewhere"},
                {"log": "/etc/passwd"},
            )
        ),
    ],
)
def test_a_note_that_no_run_has_written_is_no_job(text, study):
    store = study[0]
    (store.folder / "jobs").mkdir()
    (store.folder / "jobs" / "a.json").write_text(json.dumps(JOB))
    assert [job.id for job in stored_jobs(store)] == ["1_0"]
    (store.folder / "jobs" / "a.json").write_text(text)
    assert stored_jobs(store) == []
    refuse_live_jobs(store)


def test_a_logs_end_sends_no_commands_to_a_terminal(study):
    store = study[0]
    (store.folder / "log").write_text("one\n\x1b]0;owned\x07 two\n")
    assert log_end(store, Job("a", "1_0", 1, {}, "log")) == ["one", "]0;owned two"]
    (store.folder / "log").write_bytes(b"\x1f\tindented\n" + b"word \xff\n" * 300_000)
    assert log_end(store, Job("a", "1_0", 1, {}, "log")) == ["word \ufffd"] * 20


def test_jobs_of_the_folder_that_no_file_knows_are_refused_with_their_name(study, cluster):
    store, packs, context, data = study
    pretended = cluster(lambda *job: None)
    pretended.live = {"7_0": "RUNNING"}
    with pytest.raises(UserError, match=r"1 Slurm jobs of this folder .* \(7_0 \.\.\.\); cancel them with scancel"):
        next(run_on_slurm(packs, context, data, SlurmOptions()))
    assert pretended.submitted == []
    assert slurm.job_name(store) != slurm.job_name(Store(store.folder / "other"))


def test_many_packs_are_several_arrays(study, cluster, monkeypatch):
    store, packs, context, data = study
    monkeypatch.setattr(slurm, "MOST_IN_AN_ARRAY", 1)
    pretended = cluster(writes_records(store))
    assert len(list(run_on_slurm(packs, context, data, SlurmOptions()))) == 4
    assert [len(array) for array in pretended.submitted] == [1, 1]


def test_a_job_waits_until_another_that_has_its_pack_is_gone(study, monkeypatch):
    store, packs, context, data = study
    wanted = []
    monkeypatch.setattr(slurm, "run_packs", lambda packs, *more, **how: wanted.append(packs[0].wanted) or [])
    task, before = slurm.PackTask(context, data, math.inf), dict.fromkeys(packs[0].wanted, 0)
    with slurm._alone_with(store, slurm.pack_name(packs[0])):
        second = threading.Thread(target=task, args=(packs[0], before))
        second.start()
        second.join(0.3)
        assert second.is_alive() and wanted == []
        writes_records(store)(None, packs[0], {}, None)
    second.join(10)
    assert not second.is_alive() and wanted == []  # the other has left nothing to do


def test_a_record_that_comes_between_two_attempts_is_kept(study, cluster):
    store, packs, context, data = study

    def does(task, pack, before, log):
        if len(pretended.submitted) == 2:  # by now the first job's record has arrived
            writes_records(store)(task, pack, before, log)
            assert before == dict.fromkeys(pack.wanted, 0)
        log.write_text("gone\n")

    pretended = cluster(does)
    events = list(run_on_slurm(packs[:1], context, data, SlurmOptions()))
    assert [event.value for event in events] == ["ok", "ok"] and len(pretended.submitted) == 2


def test_status_where_slurm_cannot_be_asked_calls_no_job_ended(study, cluster, monkeypatch, capfd):
    pretended = cluster(lambda *job: None)
    store, *_ = begin_and_leave(study, pretended, study[1])

    def queue():
        raise QueueUnknown("squeue not found")

    monkeypatch.setattr("benchmark.commands.show_status.queue", queue)
    assert main(["status", str(store.folder)]) == 0
    said = capfd.readouterr().out
    assert "2 Slurm jobs are listed here; Slurm cannot report" in said and "Slurm job 1_0: unknown, attempt 1" in said


def test_forgetting_what_jobs_are_at_work_on_is_refused(tmp_path, monkeypatch, capfd):
    out = tmp_path / "out"
    (out / "jobs").mkdir(parents=True)
    (out / "jobs" / "a.json").write_text(json.dumps(JOB))
    monkeypatch.setattr(slurm_queue, "queue", lambda name=None: {"1_0": "RUNNING"})
    assert main([*ON_SLURM, "--force", "--out", str(out), "--data-dir", str(tmp_path)]) == 2
    assert "1 Slurm jobs are running its trials (1_0 ...)" in capfd.readouterr().err
