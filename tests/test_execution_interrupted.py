"""A whole run that is killed, and continued: its tables are byte for byte those of one that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.files import REPOSITORY

ONLY = "table=2,dataset=mnist,method=vae,method=wae_rbf,method=hgmvae_u_warm"


def command(out: Path, *more: str) -> list[str]:
    study = ("--study", "smoke", "--seeds", "2", "--device", "cpu", "--only", ONLY, "--jobs", "1", "--no-report")
    return [sys.executable, "-m", "benchmark", "run", *study, "--out", str(out), *more]


def begin(out: Path, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(out, *more), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def wait_for_a_checkpoint(out: Path, process: subprocess.Popen) -> None:
    until = time.monotonic() + 240
    while not list(out.glob("checkpoints/*.safetensors")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)


def still_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def tables(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "tables").iterdir())}


@pytest.mark.slow
def test_a_run_killed_between_two_checkpoints_ends_as_if_it_had_not_been(tmp_path):
    packed = ("--pack", "2")
    assert subprocess.run(command(tmp_path / "whole", *packed), cwd=REPOSITORY, capture_output=True).returncode == 0
    process = begin(tmp_path / "killed", *packed)
    wait_for_a_checkpoint(tmp_path / "killed", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(list((tmp_path / "killed").glob("records/*.json"))) < 6
    assert subprocess.run(command(tmp_path / "killed", *packed), cwd=REPOSITORY, capture_output=True).returncode == 0
    assert tables(tmp_path / "killed") == tables(tmp_path / "whole")
    assert not list((tmp_path / "killed").rglob(".*.part"))


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_run_says_so_and_leaves_no_process(how, tmp_path):
    process = begin(tmp_path)
    wait_for_a_checkpoint(tmp_path, process)
    os.kill(process.pid, how)
    started = time.monotonic()
    _, error = process.communicate(timeout=120)  # it ends in two seconds, on busy cores in ten times as many
    assert process.returncode == 130
    assert error.decode().startswith("benchmark: interrupted") and len(error.decode().strip().splitlines()) == 1
    while still_there(process.pid):
        assert time.monotonic() - started < 120
        time.sleep(0.05)
