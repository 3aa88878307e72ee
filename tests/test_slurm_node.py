"""The one-node Slurm that other tests run jobs on: a job's output arrives, and nothing of it outlives `stop`."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from slurm_node import SCRIPT, reason_why_not, slurm_node

reason = reason_why_not()
needs_slurm = pytest.mark.skipif(reason is not None, reason=reason or "")


def processes_of(folder: Path) -> set[str]:
    """The programs whose command line names the folder or that run in it; zombies have neither."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode().split("\0")
            if any(str(folder) in word for word in command) or (process / "cwd").resolve() == folder:
                found.add(command[0].split(":")[0])
        except OSError:  # it has ended since
            continue
    return found


def submitted(conf: Path, command: str, *flags: str) -> str:
    """The id of a batch job of `command`, which runs in the folder of `conf`."""
    batch = ["sbatch", "--parsable", f"--chdir={conf.parent}", "--output=out.txt", *flags, f"--wrap={command}"]
    return subprocess.run(batch, check=True, capture_output=True, text=True).stdout.strip()


def wait_for(file: Path, text: str, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not (file.is_file() and text in file.read_text(encoding="utf-8")):
        assert time.monotonic() < until, f"{file.name} never said {text!r}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Does the process still run (a zombie's command line is empty)?"""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


@pytest.mark.slow
@needs_slurm
def test_jobs_run_two_at_a_time_and_all_daemons_and_jobs_end_with_the_node(monkeypatch):
    with slurm_node() as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        folder = conf.parent
        submitted(conf, "echo 6 times 7 is $((6 * 7))", "--time=1")
        wait_for(folder / "out.txt", "6 times 7 is 42\n")
        # Each of two jobs waits for the other to have begun, so they end only if both run at once.
        meet = "touch $SLURM_ARRAY_TASK_ID; until [ -e $((1 - SLURM_ARRAY_TASK_ID)) ]; do sleep 0.1; done; echo met"
        submitted(conf, meet, "--array=0-1", "--output=met_%a.txt")
        wait_for(folder / "met_0.txt", "met")
        wait_for(folder / "met_1.txt", "met")
        submitted(conf, "sleep 300 & echo pid $! ; srun sleep 301", "--output=long.txt")
        wait_for(folder / "long.txt", "pid")
        sleeper = int((folder / "long.txt").read_text().split()[1])
        assert alive(sleeper)
        assert {"slurmctld", "slurmd", "munged", "slurmstepd"} <= processes_of(folder)
    assert processes_of(folder) == set()
    assert not alive(sleeper)
    assert not folder.exists()


@pytest.mark.slow
@needs_slurm
def test_stop_ends_the_rest_after_the_controller_was_killed(monkeypatch):
    with slurm_node() as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        folder = conf.parent
        submitted(conf, "echo pid $$; sleep 300")
        wait_for(folder / "out.txt", "pid")
        job = int((folder / "out.txt").read_text().split()[1])
        os.kill(int((folder / "slurmctld.pid").read_text()), signal.SIGKILL)
        assert alive(job)
        for _ in range(2):  # the second has nothing left to do
            assert subprocess.run([SCRIPT, "stop", folder]).returncode == 0
            assert processes_of(folder) == set()
            assert not alive(job)


def refusal(*arguments: str | Path) -> str:
    """The one line with which the script refuses; asserts status 2."""
    ended = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    return line


def test_bad_use_and_a_folder_that_was_never_started_are_refused(tmp_path):
    assert refusal("start") == "slurm_node.sh: use: slurm_node.sh check | start FOLDER | stop FOLDER"
    assert refusal("stop", tmp_path) == f"slurm_node.sh: nothing was started in {tmp_path}"


@pytest.mark.slow
@needs_slurm
def test_a_folder_that_munged_may_not_enter_or_that_was_started_before_is_refused(tmp_path):
    tmp_path.chmod(0o700)
    assert "user munge cannot enter" in refusal("start", tmp_path / "node")
    (tmp_path / "slurm.conf").touch()
    assert "has been started before" in refusal("start", tmp_path)


def stub(folder: Path, program: str, script: str, monkeypatch) -> None:
    """Put a shell script before the program of that name on the PATH."""
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.slow
@needs_slurm
def test_a_daemon_that_does_not_start_is_reported_and_the_others_are_ended(monkeypatch, tmp_path):
    stub(tmp_path, "slurmd", f"echo slurmd of $2 is broken | tee {tmp_path}/said >&2; exit 1", monkeypatch)
    logs = r"is broken(.|\n)*munged\.log(.|\n)*slurmctld\.log(.|\n)*does not answer"
    with pytest.raises(RuntimeError, match=logs), slurm_node():
        pass
    folder = Path((tmp_path / "said").read_text().split()[2]).parent
    assert processes_of(folder) == set()
    assert not folder.exists()


def test_without_root_the_reason_says_so(monkeypatch, tmp_path):
    stub(tmp_path, "id", "echo 1000", monkeypatch)
    assert reason_why_not() == "slurm_node.sh: needs root, which starts Slurm's daemons"
