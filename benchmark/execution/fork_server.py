"""Start of worker processes: on Linux they are forked from a server process that has imported their libraries once.

On other systems, where libraries do not survive a fork, each worker is a new interpreter. In both cases a worker shares
no state with the parent except what is sent to it. The module imports nothing of the suite, so that a command can start
the server before it imports its own libraries.
"""

import multiprocessing
import signal
import sys
from collections.abc import Collection
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext

_FORKS = sys.platform == "linux"
# What a worker imports until it has scored its first trial. An optimiser imports torch._dynamo on first use, in 2 s.
_PRELOADED = (
    f"{__package__}.worker_loop",
    "torch._dynamo",
    "torch._inductor.config",
    "torchmetrics.functional.image",
)
# Ctrl-C, and the signals that `timeout` and clusters send to all processes of a job; only the parent handles them.
PARENTS_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def start_server() -> None:
    """Start the server if this system uses one and it is not running, without waiting for its imports.

    The server ends when this process ends.
    """
    if not _FORKS:
        return
    multiprocessing.set_forkserver_preload([*_PRELOADED])
    resource_tracker.ensure_running()  # needed by the server; its start would unblock signals
    # Python makes the server ignore Ctrl-C, but only after it has imported everything.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def worker_context() -> ForkServerContext | SpawnContext:
    """Start the server and return the context for starting workers; each must call `ignore_signals` first."""
    start_server()
    return multiprocessing.get_context("forkserver") if _FORKS else multiprocessing.get_context("spawn")


def ignore_signals(numbers: Collection[signal.Signals]) -> None:
    """Ignore signals in this worker and unblock the others, which the server has left blocked.

    Args:
        numbers: The signals of PARENTS_SIGNALS to ignore.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
