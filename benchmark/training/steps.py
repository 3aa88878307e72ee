"""Execution of the steps of a training: one operation after another, or as a CUDA graph.

The graph is captured once and then replayed, which avoids launching several hundred small kernels per step.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch

from benchmark.text import first_line

# The first steps cannot be captured, because libraries and the optimiser initialise themselves in them.
_STEPS_BEFORE_CAPTURE = 3


class Steps(Protocol):
    """Executes a training step repeatedly.

    The step works on buffers with fixed addresses and returns nothing.

    Attributes:
        how: Description for the record.
        captures: Whether steps are captured, and so must not wait for or read from the device.
    """

    how: str
    captures: bool

    def context(self) -> AbstractContextManager[object]:
        """Return the context in which everything that prepares or reads a step's data must run."""
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
    """Steps captured as a CUDA graph on their own stream, so that several trainings run on the device in parallel.

    The first steps run eagerly and are part of the training. If the capture fails, the steps stay eager, with the same
    results, and `how` gives the reason; running out of memory raises an error, because eager steps would fail too.

    Args:
        device: A CUDA device.
    """

    captures = True

    def __init__(self, device: torch.device):
        # cuBLAS has one workspace per stream, so graphs captured on the same stream would overwrite each other's.
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # untyped in torch
        self._stream.wait_stream(torch.cuda.current_stream(device))
        self._graph: torch.cuda.CUDAGraph | None = None
        self._before_capture = _STEPS_BEFORE_CAPTURE
        self.how = "eager (too few steps for a capture)"

    def context(self) -> AbstractContextManager[object]:
        """Return the context of the graph's stream."""
        return torch.cuda.stream(self._stream)

    def run(self, step: Callable[[], None]) -> None:
        """Execute the step once; the call after the first few steps captures it.

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
