"""Commands that are killed, started twice or out of disk lose nothing; and the drill that says so can find a fault."""

import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from crash_drill import (
    Fault,
    Kill,
    Moment,
    drill,
    finish,
    killed,
    left_running,
    moments,
    start,
    summary,
    uninterrupted,
)
from crash_faults import contents, faults_after, same
from crash_subjects import Event, Subject, audit_subject, fetch_subject, run_subject
from safetensors.numpy import save_file

from benchmark.cli import main
from benchmark.data.load import load_dataset

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

RUN = run_subject("table=2,dataset=mnist,method=vae,method=wae_rbf", jobs=1)
PAGE = 4096  # bytes; a tmpfs gives whole ones


def here(subject: Subject, root: Path, monkeypatch) -> int:
    """The subject's command in this process, which saves an import; its exit status."""
    monkeypatch.chdir(root)
    threads = torch.get_num_threads()
    try:
        return main(list(subject.command[4:]))
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A run to its end during which the same command was given once more: its root, and how the second ended."""
    root = tmp_path_factory.mktemp("twice")
    RUN.begin(root)
    process = start(RUN, root)
    until = time.monotonic() + 300
    while not (root / "out" / "manifest.json").exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)  # it would end before the second has imported anything
    second = subprocess.run(RUN.command, cwd=root, env=os.environ | {"PYTHONPATH": os.getcwd()}, capture_output=True)
    os.kill(process.pid, signal.SIGCONT)
    finish(process, root)
    assert left_running(process.pid) == []
    return root, second


@pytest.fixture(scope="module")
def whole(twice):
    """The root of a run that came to its end; do not write to it."""
    return twice[0]


# The suite's own commands ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_run_on_the_same_folder_is_refused_in_one_line_and_the_first_ends_whole(twice):
    root, second = twice
    line = "benchmark: out: another command is writing to it; wait until it ends, or use another folder\n"
    assert (second.returncode, second.stderr.decode()) == (2, line)
    names = contents(root)
    assert sum(name.startswith("out/records/") for name in names) == 4
    assert sum(name.startswith("out/checkpoints/") for name in names) == 4
    assert "out/tables/table2.csv" in names


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_as_if_it_had_not_been(whole, tmp_path):
    plan = [
        Moment(Event("out/manifest.json")),
        Moment(Event("out/checkpoints/*.safetensors"), count=1),
        Moment(Event("out/records/*.json"), count=2, all_at_once=False),
        Moment(Event("out/tables/*"), delay=0.002),
    ]
    found = list(drill(RUN, whole, tmp_path, kills=4, plan=iter(plan)))
    kills = [happened for happened in found if isinstance(happened, Kill)]
    assert [happened for happened in found if isinstance(happened, Fault)] == []
    assert [kill.all_at_once for kill in kills[:3]] == [True, True, False]
    assert kills[0].kept == 0 and kills[1].kept >= 1 and kills[2].kept >= 4
    # The tables are done within milliseconds, so on a busy machine the last kill may come too late.
    assert {kill.phase for kill in kills[3:]} <= {"writing a table", "between two tables"}


@pytest.mark.slow
def test_an_audit_killed_ends_as_if_it_had_not_been(whole, tmp_path, monkeypatch):
    subject = audit_subject(whole)
    reference = tmp_path / "reference"
    subject.begin(reference)
    assert here(subject, reference, monkeypatch) == 0
    (tmp_path / "killed").mkdir()
    plan = [Moment(Event("out/audit/*.json"))]
    found = list(drill(subject, reference, tmp_path / "killed", kills=1, plan=iter(plan)))
    assert [type(happened) for happened in found] == [Kill]
    assert found[0].kept in (9, 10)  # four records, four checkpoints, and the first result, perhaps the second too
    assert len(list(reference.glob("out/audit/*.json"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", "records", "checkpoints", "audit", "tables", "verdicts"])
def test_a_run_with_nothing_to_do_removes_what_a_killed_one_left(folder, whole, tmp_path, monkeypatch):
    root = shutil.copytree(whole, tmp_path / "root")
    (root / "out" / folder).mkdir(exist_ok=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    # Jobs of a cluster write on while no parent holds the folder, here or on other machines.
    alive = {f".a.json.{platform.node()}.{os.getpid()}.part", f".a.json.elsewhere.{gone.pid}.part"}
    for name in {f".a.json.{platform.node()}.{gone.pid}.part", *alive}:
        (root / "out" / folder / name).write_text("{")
    assert here(RUN, root, monkeypatch) == 0
    assert {path.name for path in root.rglob("*.part")} == alive
    new = {fault.what for fault in faults_after(root, whole)}
    assert new - {f"out/{folder}"} == {f"out/{folder}/{name}".replace("//", "/") for name in alive}


def test_preparing_removes_what_a_killed_one_left_and_nothing_of_another_set(tmp_path):
    fetch_subject(images=50).begin(tmp_path)
    prepared = tmp_path / "data" / "prepared"
    for name in (".mnist-abcd_123", ".mnist-abcd_123-oldabcd_123", ".mnist-2-abcd_123", ".cifar10-abcd_123"):
        (prepared / name).mkdir(parents=True)
        (prepared / name / "images.npy").write_bytes(b"half")
    assert load_dataset("mnist", tmp_path / "data", offline=True).n_train == 50
    assert {path.name for path in prepared.iterdir()} == {
        "mnist",
        ".mnist.lock",
        ".mnist-2-abcd_123",
        ".cifar10-abcd_123",
    }


# A full disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    """`disk(size)`: a small file system of its own in memory, made or resized; its folder. Gone after the test."""
    folder = tmp_path / "disk"

    def of_size(size: str) -> Path:
        options = ["-o", f"remount,size={size}"] if folder.exists() else ["-t", "tmpfs", "-o", f"size={size}", "none"]
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        return folder

    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    try:
        yield of_size
    finally:
        if folder.is_mount():
            os.chdir(tmp_path)
            subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_run_that_fills_the_disk_says_so_and_goes_on_when_there_is_room(disk, whole, monkeypatch, capfd):
    root = disk("2m")  # one checkpoint fits, a second does not
    RUN.begin(root)
    assert here(RUN, root, monkeypatch) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "out/checkpoints: a checkpoint could not be written" in lines[0]
    assert "No space left" in lines[0] and lines[0].endswith("free some space and run again")
    before = contents(root)
    assert sum(name.startswith("out/checkpoints/") for name in before) == 1
    assert "out/tables" not in before and not list(root.rglob("*.part"))
    disk("16m")
    assert here(RUN, root, monkeypatch) == 0
    assert list(faults_after(root, whole)) == []
    kept = [name for name in before if name.startswith(("out/checkpoints/", "out/records/"))]
    assert kept and all(contents(root)[name] == before[name] for name in kept)


@pytest.mark.slow
@pytest.mark.parametrize(("fits", "named"), [((), "out/manifest.json"), (("manifest.json",), "out/tables")])
def test_small_files_that_do_not_fit_are_whole_or_absent(fits, named, disk, whole, monkeypatch, capfd):
    root = disk("16m")
    shutil.copytree(whole, root, dirs_exist_ok=True)
    shutil.rmtree(root / "out" / "tables")
    room = sum(-(-(root / "out" / name).stat().st_size // PAGE) * PAGE for name in fits)
    free = os.statvfs(root)
    (root / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - room))
    assert here(RUN, root, monkeypatch) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and named in lines[0] and "No space left" in lines[0]
    assert not list(root.rglob("*.part"))
    assert all(same(path, whole / path.relative_to(root)) for path in root.glob("out/tables/*"))
    (root / "filler").unlink()
    assert here(RUN, root, monkeypatch) == 0
    assert list(faults_after(root, whole)) == []


# The drill itself: commands with one fault each ----------------------------------------------------------------

FAKE = """
import json, os, subprocess, sys, time
from pathlib import Path
fault, out = sys.argv[1], Path("out")
again = out.exists()
out.mkdir(exist_ok=True)
if fault == "ends badly" and again:
    sys.exit("no more")
if fault == "left over" and not again:
    (out / ".0.json.part").write_text("{")
if fault == "process left" and not again:
    subprocess.Popen(["sleep", "60"], process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if fault == "lost" and again:
    (out / "0.json").unlink()
for number in range(3):
    path = out / f"{number}.json"
    if path.exists() and fault != "redone" or fault == "lost" and again and number == 0:
        continue
    text = json.dumps({"value": number + (fault == "differing" and again), "date": time.time()})
    if fault == "not whole" and not again:
        path.write_text(text[:5])
        time.sleep(0.4)
    part = out / "part"
    part.write_text(text)
    part.rename(path)
    time.sleep(0.2)
"""
FAKE_KILL = Moment(Event("out/*.json"), count=1, delay=0.02)


def fake(fault: str) -> Subject:
    return Subject(
        (sys.executable, "-I", "-c", FAKE, fault),
        lambda root: None,
        (FAKE_KILL.event,),
        (),
        ("out/*.json",),
        (("writing", "out/*"),),
    )


@pytest.mark.parametrize("fault", ["lost", "redone", "left over", "process left", "differing", "not whole"])
def test_the_drill_finds_every_kind_of_fault(fault, tmp_path, monkeypatch):
    monkeypatch.setattr("crash_drill.PATIENCE", 0.3)
    reference = uninterrupted(fake("none"), tmp_path / "reference")
    (tmp_path / "killed").mkdir()
    found = list(drill(fake(fault), reference, tmp_path / "killed", 1, iter([FAKE_KILL])))
    assert [happened for happened in found if isinstance(happened, Kill)] == [Kill("writing", True, 1)]
    assert fault in {happened.kind for happened in found if isinstance(happened, Fault)}
    assert list((tmp_path / "killed").iterdir()) == []


def test_the_drill_finds_nothing_where_nothing_is_wrong_and_begins_anew_until_all_kills_are_done(tmp_path):
    reference = uninterrupted(fake("none"), tmp_path / "reference")
    (tmp_path / "killed").mkdir()
    never = Moment(Event("out/never"))
    plan = [FAKE_KILL, replace(FAKE_KILL, all_at_once=False), never, FAKE_KILL]
    found = list(drill(fake("none"), reference, tmp_path / "killed", 3, iter(plan)))
    assert found == [Kill("writing", True, 1), Kill("writing", False, 2), Kill("writing", True, 1)]
    rows = summary("fake", found, 3.6)
    assert rows[:4] == [
        "| fake | kills | 3 |",
        "| fake | kills: writing | 3 |",
        "| fake | kills of the parent alone | 1 |",
        "| fake | faults: not whole | 0 |",
    ]
    assert rows[-1] == "| fake | seconds | 4 |"


def test_a_command_that_ends_badly_stops_the_drill_with_what_it_said(tmp_path):
    reference = uninterrupted(fake("none"), tmp_path / "reference")
    (tmp_path / "killed").mkdir()
    with pytest.raises(RuntimeError, match=r"exit status 1: no more"):
        list(drill(fake("ends badly"), reference, tmp_path / "killed", 1, iter([FAKE_KILL])))


def test_a_kill_that_comes_after_the_end_is_none(tmp_path):
    process = start(fake("none"), tmp_path)
    assert not killed(process, tmp_path, replace(FAKE_KILL, delay=3.0))
    assert process.returncode == 0


def test_moments_come_from_the_seed_and_from_every_event():
    def first(seed):
        return list(islice(moments(RUN, random.Random(seed)), 200))

    assert first(1) == first(1) != first(2)
    assert {moment.event for moment in first(1)} == set(RUN.events)
    assert all(1 <= moment.count <= moment.event.most and moment.delay <= moment.event.delay for moment in first(1))
    assert 20 < sum(not moment.all_at_once for moment in first(1)) < 60  # 40 expected, standard deviation 5.7


def test_files_are_the_same_but_for_what_varies(tmp_path):
    def written(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    json_a = written("a.json", b'{"metrics": {"x": 1}, "date": "1", "curves": [{"timings": 3}]}')
    assert same(json_a, written("b.json", b'{"metrics": {"x": 1}, "date": "2", "curves": [{"timings": 4}]}'))
    assert not same(json_a, written("c.json", b'{"metrics": {"x": 2}, "date": "1", "curves": [{"timings": 3}]}'))
    assert not same(written("half.json", b'{"metrics": '), json_a)
    for name, value, seconds in (("a", 1.0, "1"), ("b", 1.0, "2"), ("c", 2.0, "1")):
        save_file({"w": np.full(3, value)}, tmp_path / f"{name}.safetensors", {"training": seconds})
    weights = tmp_path / "a.safetensors"
    assert same(weights, tmp_path / "b.safetensors") and not same(weights, tmp_path / "c.safetensors")
    assert not same(written("half.safetensors", weights.read_bytes()[:50]), weights)
    assert same(written("a.csv", b"1"), written("b.csv", b"1")) and not same(tmp_path / "a.csv", written("c.csv", b"2"))
    assert not same(tmp_path, json_a) and not same(json_a, tmp_path / "none")
