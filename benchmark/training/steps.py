"""How the steps of a training are executed: one operation after another, or as a CUDA graph.

The graph is captured once and then replayed, which spares the launches of some hundred small kernels.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch

from benchmark.text import first_line

# Libraries and the optimiser set themselves up in the first steps, which cannot be captured.
_STEPS_BEFORE_CAPTURE = 3


class Steps(Protocol):
    """Executes a step, again and again.

    The step works on buffers that stay in place and returns nothing.

    Attributes:
        how: In words, for the record.
        captures: Whether steps are captured, so that they must not wait for or read from the device.
    """

    how: str
    captures: bool

    def context(self) -> AbstractContextManager[object]:
        """Return the context in which everything that feeds or reads the step has to happen."""
        ...

    def run(self, step: Callable[[], None]) -> None:
        """Execute the step once."""
        ...


class EagerSteps:
    """Steps whose operations are launched one by one."""

    how = "eager"
    captures = False

    def context(self) -> AbstractContextManager[object]:
        """Return a context without effect."""
        return nullcontext()

    def run(self, step: Callable[[], None]) -> None:
        """Execute the step once."""
        step()


class CapturedSteps:
    """A CUDA graph on a stream of its own, so that several trainings fill the device side by side.

    The first steps are run eagerly and count. Where the capture fails the steps stay eager, with the same results, and
    `how` says why; but one that runs out of memory raises, since the eager steps would too.

    Args:
        device: With CUDA.
    """

    captures = True

    def __init__(self, device: torch.device):
        # cuBLAS keeps its workspace by stream: graphs captured on one stream would overwrite each other's.
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own gap
        self._stream.wait_stream(torch.cuda.current_stream(device))
        self._graph: torch.cuda.CUDAGraph | None = None
        self._before_capture = _STEPS_BEFORE_CAPTURE
        self.how = "eager (too few steps for a capture)"

    def context(self) -> AbstractContextManager[object]:
        """Return the context of its stream."""
        return torch.cuda.stream(self._stream)

    def run(self, step: Callable[[], None]) -> None:
        """Execute the step once, and capture it after the first few.

        Raises:
            torch.OutOfMemoryError: The capture, or a step, runs out of memory.
        """
        if self._graph is None and self._before_capture == 0:
            self._capture(step)
        if self._graph is None:
            step()
            self._before_capture -= 1
        else:
            self._graph.replay()

    def _capture(self, step: Callable[[], None]) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                step()
        except RuntimeError as error:
            graph.reset()
            if isinstance(error, torch.OutOfMemoryError):
                raise
            self.how = f"eager (capture failed: {first_line(error)})"
            return
        self._graph, self.how = graph, "captured"
