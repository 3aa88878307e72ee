"""How worker processes start: on Linux forked from a server process that has imported their libraries once.

Elsewhere, where libraries do not survive a fork, each worker is a new interpreter. Either way a worker has nothing of
the parent's state but what is sent to it. Imports nothing of the suite, so that a command can start the server before
it imports its own libraries.
"""

import multiprocessing
import signal
import sys
from collections.abc import Collection
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext

_FORKS = sys.platform == "linux"
# What a worker imports until it has scored its first trial; torch._dynamo at an optimiser's first use, in two seconds.
_PRELOADED = (
    f"{__package__}.worker_processes",
    "torch._dynamo",
    "torch._inductor.config",
    "torchmetrics.functional.image",
)
# Ctrl-C, and what `timeout` and clusters send to all of a job's processes: the parent's to handle.
PARENTS_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def start_server() -> None:
    """Start the server, where there is one and it does not run yet, and do not wait until it has imported everything.

    It ends when this process has ended.
    """
    if not _FORKS:
        return
    multiprocessing.set_forkserver_preload([*_PRELOADED])
    resource_tracker.ensure_running()  # which the server needs; as it starts it unblocks signals
    # Python lets the server ignore Ctrl-C, but only once it has imported everything.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def worker_context() -> ForkServerContext | SpawnContext:
    """Return the context to start workers in, its server started; each calls `ignore_signals` first of all."""
    start_server()
    return multiprocessing.get_context("forkserver") if _FORKS else multiprocessing.get_context("spawn")


def ignore_signals(numbers: Collection[signal.Signals]) -> None:
    """Ignore signals in this worker, and heed the others again, which the server has left blocked.

    Args:
        numbers: Of PARENTS_SIGNALS those to ignore.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)
