"""A foreign downloader that stalls is ended, and ends with its parent; stand-ins only, nothing is asked for."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.data import torchvision_sets, watched
from benchmark.data.download import LEAST
from benchmark.data.load import load_dataset
from benchmark.data.watched import fetch_from_drive, run_watched
from benchmark.errors import DataUnavailable
from benchmark.files import REPOSITORY


def command(target: Path, code: str) -> tuple[str, ...]:
    return sys.executable, "-c", f"import os, pathlib, sys, time\ntarget = pathlib.Path({str(target)!r})\n{code}"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_one_that_ends_has_left_its_file(tmp_path):
    run_watched(command(tmp_path / "a", "target.write_bytes(b'whole')"), tmp_path / "a", 30)
    assert (tmp_path / "a").read_bytes() == b"whole"


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(60)",
        "while True: time.sleep(0.05); target.with_name('a1.part').open('ab').write(b'x')",
        "pathlib.Path(str(target) + '.other').write_bytes(b'x' * 10); time.sleep(60)",
    ],
    ids=["sleeps", "dribbles", "begins and stops"],
)
def test_a_stall_is_ended_at_its_time_limit_and_said(tmp_path, code):
    start = time.monotonic()
    pid = "pathlib.Path(str(target) + '.pid').write_text(str(os.getpid()))\n"
    with pytest.raises(DataUnavailable, match=r"timed out: less than 64 kB received in 1\.5 s"):
        run_watched(command(tmp_path / "a", pid + code), tmp_path / "a", 1.5)
    assert 1.5 <= time.monotonic() - start < 20  # much less but on a busy machine
    assert not alive(int((tmp_path / "a.pid").read_text()))


def test_a_slow_one_that_gets_on_is_let_be(tmp_path):
    code = f"for _ in range(5): time.sleep(0.7); open(str(target), 'ab').write(bytes({LEAST}))"
    run_watched(command(tmp_path / "a", code), tmp_path / "a", 3.0)
    assert (tmp_path / "a").stat().st_size == 5 * LEAST


def test_a_failure_is_told_in_one_line(tmp_path):
    with pytest.raises(DataUnavailable, match=r"^quota is used up$"):
        run_watched(command(tmp_path / "a", "print('quota is\\nused up'); sys.exit(1)"), tmp_path / "a", 30)
    with pytest.raises(DataUnavailable, match=r"^kept in a\.part$"):  # a reason is recorded, a user's folder is not
        run_watched(command(tmp_path / "a", "print(f'kept in {target}.part'); sys.exit(1)"), tmp_path / "a", 30)
    with pytest.raises(DataUnavailable, match="the downloader ended with 3"):
        run_watched(command(tmp_path / "a", "sys.exit(3)"), tmp_path / "a", 30)
    with pytest.raises(DataUnavailable, match="left no file"):
        run_watched(command(tmp_path / "a", ""), tmp_path / "a", 30)


@pytest.fixture
def fake_gdown(tmp_path, monkeypatch):
    """Makes `import gdown` find a module with the given body of `download`."""

    def make(body: str) -> None:
        (tmp_path / "fake").mkdir()
        (tmp_path / "fake" / "gdown.py").write_text(
            f"import os, socket, time\n\n\ndef download(id, output, resume, user_agent):\n    {body}\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))

    return make


def test_google_drives_file_is_asked_for_by_its_identifier(tmp_path, fake_gdown):
    fake_gdown("open(output, 'w').write(id)")
    fetch_from_drive("the-id", tmp_path / "a", 30)
    assert (tmp_path / "a").read_text() == "the-id"


def test_gdowns_reason_is_told(tmp_path, fake_gdown):
    fake_gdown("raise RuntimeError('Too many users have viewed')")
    with pytest.raises(DataUnavailable, match=r"^Too many users have viewed$"):
        fetch_from_drive("the-id", tmp_path / "a", 30)


def test_a_server_that_accepts_and_never_answers_gdown_is_left(tmp_path, fake_gdown):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fake_gdown(f"socket.create_connection(('127.0.0.1', {silent.getsockname()[1]})).recv(1)")
        with pytest.raises(DataUnavailable, match="timed out"):
            fetch_from_drive("the-id", tmp_path / "a", 0.8)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_downloader_ends_with_its_parent(tmp_path, fake_gdown, number):
    fake_gdown("open(output + '.pid', 'w').write(str(os.getpid())); time.sleep(60)")
    code = f"""if True:
        import signal
        from pathlib import Path
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's is ignored
        from benchmark.data.watched import fetch_from_drive
        fetch_from_drive("the-id", Path({str(tmp_path / "a")!r}), 60)
    """
    path = os.pathsep.join([str(tmp_path / "fake"), str(REPOSITORY)])
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL
    )
    try:
        told = tmp_path / "a.pid"
        wait_until(lambda: told.exists() and told.read_text())
        child = int(told.read_text())
        assert alive(child)
        parent.send_signal(number)
        parent.wait(10)
        wait_until(lambda: not alive(child))
    finally:
        parent.kill()
        parent.wait()


def wait_until(holds, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_offline_starts_no_downloader(tmp_path, monkeypatch):
    def started(*_, **__):
        raise AssertionError("started")

    monkeypatch.setattr(watched.subprocess, "Popen", started)
    monkeypatch.setattr(torchvision_sets, "download", started)
    for name in ("mnist", "fashion_mnist", "cifar10", "celeba"):
        with pytest.raises(DataUnavailable, match=r"not found; `\./run_all\.sh fetch \w+` fetches it, or put"):
            load_dataset(name, tmp_path, offline=True)
    assert list(tmp_path.iterdir()) == []
