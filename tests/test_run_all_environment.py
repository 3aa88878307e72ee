"""The environments that run_all.sh makes: none that is complete, or another's, is ever changed; the pins win.

A stand-in for Python makes environments at once, one test makes a real one.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "run_all.sh"
STAND_IN = """#!/bin/sh
case "$*" in
--version) echo "Python 3.12.0" ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip install --quiet "*) sleep "${PIP_SECONDS:-0}"; exit "${PIP_STATUS:-0}" ;;
"-m "* | "x.py "*)
    echo "$0" "$@" "PYTHONPATH=$PYTHONPATH PYTHONHOME=$PYTHONHOME SAFE=$PYTHONSAFEPATH PIP_TARGET=$PIP_TARGET"
    ;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture
def checkout(tmp_path):
    """A folder with run_all.sh and a lock, and in `programs` all that the script may call, without cmp."""
    root, programs = tmp_path / "checkout", tmp_path / "programs"
    root.mkdir()
    programs.mkdir()
    shutil.copy(SCRIPT, root)
    (root / "requirements.lock").write_text("first\n")
    (programs / "python3").write_text(STAND_IN)
    (programs / "python3").chmod(0o755)
    for name in ("bash", "cp", "dirname", "ls", "mkdir", "mv", "readlink", "rm", "sh", "sleep", "uname"):
        (programs / name).symlink_to(shutil.which(name))
    return root


def started(script: Path, *arguments: str, **variables: str) -> subprocess.Popen:
    programs = script.resolve().parent.parent / "programs"
    environment = {"PATH": str(programs), "HOME": str(programs)} | variables
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(["bash", str(script), *arguments], env=environment, text=True, **pipes)


def run_all(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    process = started(script, *arguments, **variables)
    out, error = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def environment_of(done: subprocess.CompletedProcess) -> Path:
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.split()[0]).parent.parent


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_first_call_makes_the_environment_and_the_second_only_uses_it(checkout):
    first = run_all(checkout / "run_all.sh", "status", "x")
    assert "installing into .venv with Python 3.12.0" in first.stderr
    assert environment_of(first) == checkout / ".venv"
    assert first.stdout.split()[1:5] == ["-m", "benchmark", "status", "x"]
    before = contents(checkout)
    second = run_all(checkout / "run_all.sh", "status", "x")
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert contents(checkout) == before


def test_a_changed_lock_makes_a_new_environment_beside_the_old_which_stays_as_it_is(checkout):
    old = environment_of(run_all(checkout / "run_all.sh", "status"))
    before = contents(old)
    (checkout / "requirements.lock").write_text("second\n")
    done = run_all(checkout / "run_all.sh", "status")
    assert environment_of(done) == checkout / ".venv-2"
    assert "left alone: .venv (remove what nothing runs in)\n" in done.stderr
    assert contents(old) == before
    (checkout / "requirements.lock").write_text("first\n")
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == old


@pytest.mark.parametrize("relative", [True, False])
def test_called_through_links_it_is_the_checkout_of_the_script_and_no_environment_beside_the_link(checkout, relative):
    other = checkout.parent / "other"
    (other / ".venv").mkdir(parents=True)
    (other / ".venv" / "precious").write_text("mine")
    (other / "hop").symlink_to(Path("..") / "checkout" / "run_all.sh" if relative else checkout / "run_all.sh")
    (other / "run_all.sh").symlink_to("hop")
    done = run_all(other / "run_all.sh", "status", CDPATH="/")
    assert environment_of(done).samefile(checkout / ".venv")
    assert contents(other / ".venv") == {other / ".venv" / "precious": b"mine"}


@pytest.mark.parametrize("kind", ["a user's environment", "a file", "a dangling link"])
def test_what_the_script_has_not_made_is_left_alone(checkout, kind):
    taken = checkout / ".venv"
    if kind == "a user's environment":
        taken.mkdir()
        (taken / "pyvenv.cfg").write_text("home = /usr/bin\n")
    elif kind == "a file":
        taken.write_text("a file")
    else:
        taken.symlink_to("nowhere")
    before = contents(checkout)
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv-2"
    assert contents(checkout).items() >= before.items()
    assert taken.is_symlink() == (kind == "a dangling link")


def test_an_empty_folder_such_as_a_link_to_a_larger_disk_is_taken(checkout, tmp_path):
    (tmp_path / "large disk").mkdir()
    (checkout / ".venv").symlink_to(tmp_path / "large disk")
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv"
    assert (tmp_path / "large disk" / "installed.lock").read_text() == "first\n"


def test_an_installation_that_failed_ends_with_status_2_and_is_made_again_in_its_place(checkout):
    failed = run_all(checkout / "run_all.sh", "status", PIP_STATUS="1")
    assert failed.returncode == 2
    assert "run_all.sh: pip could not install requirements.lock into" in failed.stderr
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv"


@pytest.mark.parametrize(
    ("newer", "said"), [(0, "; for the python3 there, Python 3.14.0, requirements.lock has no pins yet"), (1, "")]
)
def test_where_only_other_pythons_are_found_one_line_says_what_is_needed(checkout, newer, said):
    python = checkout.parent / "programs" / "python3"
    cases = ("*ensurepip*) exit 1 ;;", f'*"< (3, 14)"*) exit {newer} ;;', "*) echo Python 3.14.0 ;;")
    python.write_text("\n".join(["#!/bin/sh", 'case "$*" in', *cases, "esac\n"]))
    done = run_all(checkout / "run_all.sh", "status")
    needs = "run_all.sh: needs Python 3.11, 3.12 or 3.13 with its venv module on the PATH"
    assert (done.returncode, done.stderr) == (2, f"{needs}{said}\n")
    assert not (checkout / ".venv").exists()


def test_an_installation_under_way_is_not_disturbed(checkout):
    (checkout / ".venv").mkdir()
    marker = checkout / ".venv" / ".made-by-run_all"
    marker.write_text(f"{socket.gethostname()} {os.getpid()}\n")
    done = run_all(checkout / "run_all.sh", "status")
    assert done.returncode == 2
    assert f"is being installed by process {os.getpid()} on {socket.gethostname()}; wait for it" in done.stderr
    assert list((checkout / ".venv").iterdir()) == [marker]


def test_of_calls_at_once_one_installs_and_none_disturbs_it(checkout):
    calls = [started(checkout / "run_all.sh", "status", PIP_SECONDS="2") for _ in range(4)]
    errors = [call.communicate(timeout=120)[1] for call in calls]
    assert sum("installing into" in error for error in errors) == 1
    for call, error in zip(calls, errors, strict=True):  # one that began when all was done has nothing to say
        assert call.returncode == (2 if "is being installed by process" in error else 0), error
    assert [path.name for path in checkout.glob(".venv*")] == [".venv"]


def test_an_environment_is_of_the_lock_that_it_was_begun_with(checkout):
    call = started(checkout / "run_all.sh", "status", PIP_SECONDS="2")
    while not (checkout / ".venv" / "bin" / "python").exists():
        time.sleep(0.05)
    (checkout / "requirements.lock").write_text("second\n")
    assert call.wait(timeout=120) == 0
    assert (checkout / ".venv" / "installed.lock").read_text() == "first\n"
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv-2"


def test_an_old_environment_can_be_removed_and_the_new_one_stays_in_use(checkout):
    run_all(checkout / "run_all.sh", "status")
    (checkout / "requirements.lock").write_text("second\n")
    new = environment_of(run_all(checkout / "run_all.sh", "status"))
    shutil.rmtree(checkout / ".venv")
    done = run_all(checkout / "run_all.sh", "status")
    assert (environment_of(done), done.stderr) == (new, "")


def test_what_a_killed_installation_has_left_is_made_anew(checkout):
    call = started(checkout / "run_all.sh", "status", PIP_SECONDS="5")
    while not (checkout / ".venv" / "bin" / "python").exists():
        time.sleep(0.05)
    call.kill()
    call.wait()
    (checkout / ".venv" / "lib").mkdir()
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv"
    assert not (checkout / ".venv" / "lib").exists()


def test_an_environment_whose_python_is_gone_is_replaced_by_another(checkout):
    old = environment_of(run_all(checkout / "run_all.sh", "status"))
    (old / "bin" / "python").unlink()
    assert environment_of(run_all(checkout / "run_all.sh", "status")) == checkout / ".venv-2"


@pytest.mark.parametrize("command", [("status",), ("tests",), ("pip",), ("python", "x.py", "y")])
def test_nothing_of_the_users_python_reaches_the_environment(checkout, command):
    foreign = {"PYTHONPATH": "/modules", "PYTHONHOME": "/usr", "PIP_TARGET": "/elsewhere"}
    said = run_all(checkout / "run_all.sh", *command, **foreign).stdout
    assert said.endswith(f"PYTHONPATH={checkout} PYTHONHOME= SAFE=1 PIP_TARGET=\n")


def wheel_of_nothing(folder: Path) -> str:
    """A wheel of an empty package `nothing` 1.0; its SHA-256."""
    path, info = folder / "nothing-1.0-py3-none-any.whl", "nothing-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("nothing.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_real_environment_has_the_pins_and_imports_neither_from_pythonpath_nor_from_the_users_folder(tmp_path):
    root = tmp_path / "checkout"
    (root / "benchmark").mkdir(parents=True)
    shutil.copy(SCRIPT, root)
    (root / "requirements.lock").write_text(f"nothing==1.0 \\\n    --hash=sha256:{wheel_of_nothing(tmp_path)}\n")
    (root / "benchmark" / "__main__.py").write_text(
        "import nothing, sys\ntry:\n    import shadow\nexcept ImportError:\n    print(sys.prefix)\n"
    )
    (tmp_path / "shadow.py").write_text("")
    (tmp_path / "pip.conf").write_text(f"[install]\ntarget = {tmp_path / 'elsewhere'}\n")
    path = f"{Path(sys.base_prefix, 'bin')}:{os.environ['PATH']}"
    variables = os.environ | {"PYTHONPATH": str(tmp_path), "PATH": path}
    variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}

    def call(**more: str) -> subprocess.CompletedProcess:
        command = ["bash", str(root / "run_all.sh")]
        return subprocess.run(command, cwd=tmp_path, env=variables | more, capture_output=True, text=True)

    elsewhere = call(PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert elsewhere.returncode == 2
    assert "nothing: missing\n" in elsewhere.stderr and "pip has put packages elsewhere than into" in elsewhere.stderr
    done = call()
    assert (done.returncode, done.stdout) == (0, f"{root / '.venv'}\n"), done.stderr
