"""The server that workers are forked from: what it has loaded, what it leaves alone, and which signals reach whom."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
import torch

from benchmark.execution import fork_server
from benchmark.execution.fork_server import PARENTS_SIGNALS, ignore_signals, worker_context
from benchmark.files import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


def told_by(function, *arguments):
    """What a forked process sends, and its exit code."""
    context = worker_context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        told = ours.recv()
    except EOFError:
        told = None
    process.join()
    return told, process.exitcode


def tell_loaded(connection):
    threads = len(os.listdir("/proc/self/task"))
    connection.send(([name in sys.modules for name in fork_server._PRELOADED], torch.cuda._is_in_bad_fork(), threads))


def test_a_worker_has_its_libraries_at_once_can_still_use_cuda_and_is_one_thread():
    for name in fork_server._PRELOADED:
        importlib.import_module(name)  # Python's server says nothing of a module that it does not find
    assert told_by(tell_loaded) == (([True] * len(fork_server._PRELOADED), False, 1), 0)


def meet(connection, ignored, sent):
    ignore_signals(ignored)
    for number in sent:
        os.kill(os.getpid(), number)
    connection.send("alive")


def test_a_worker_ignores_what_the_parent_handles_and_heeds_the_rest():
    assert told_by(meet, PARENTS_SIGNALS, PARENTS_SIGNALS) == ("alive", 0)
    assert told_by(meet, {signal.SIGINT}, [signal.SIGINT]) == ("alive", 0)
    assert told_by(meet, {signal.SIGINT}, [signal.SIGTERM]) == (None, -signal.SIGTERM)


CODE = """
import multiprocessing, os, signal, sys
from multiprocessing import forkserver
from benchmark.execution.fork_server import start_server, worker_context
start_server()
server = forkserver._forkserver._forkserver_pid
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
    os.kill(server, number)
assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()  # of this process
process = worker_context().Process(target=print, args=("forked",))
process.start()
process.join()
assert forkserver._forkserver._forkserver_pid == server and process.exitcode == 0
"""


def test_ctrl_c_does_not_end_the_server_while_it_loads_and_it_ends_with_its_parent():
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    # Its output, which the server shares, is at its end only when the server has ended, too.
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout == "forked\n"


def test_without_a_server_workers_are_new_interpreters(monkeypatch):
    monkeypatch.setattr(fork_server, "_FORKS", False)
    assert worker_context() is multiprocessing.get_context("spawn")
