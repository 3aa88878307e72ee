"""CUDA without a GPU: tensors on "cuda" that have shapes and no values, and stand-ins for streams and graphs.

Under `fake_cuda` an operation on two devices raises, and so does one whose result the host would have to wait for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class FakeCuda:
    """Stands in for torch.cuda: what is captured is not executed, and replayed as often as asked."""

    def __init__(self, error: Exception | None = None):
        self.error, self.capturing, self.captures = error, False, 0

    class Stream:
        def __init__(self, device):
            self.waits_for = []

        def wait_stream(self, other):
            self.waits_for.append(other)

    class CUDAGraph:
        def replay(self):
            self.step()

        def reset(self):
            pass

    def current_stream(self, device):
        return "the current stream"

    def stream(self, stream):
        return nullcontext()

    @contextmanager
    def graph(self, graph, stream):
        assert isinstance(stream, FakeCuda.Stream)
        self.captures += 1
        self.capturing = True
        yield
        self.capturing = False
        if self.error:
            raise self.error
        graph.step = self.step

    def stand_in(self, monkeypatch) -> "FakeCuda":
        for name in ("Stream", "CUDAGraph", "current_stream", "stream", "graph"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))
        return self


class CaptureChecks(TorchDispatchMode):
    """Raises RuntimeError for what a capture refuses, or what its replays would do wrong.

    That is a random number (the loop's generators are not the graph's), a tensor of the host, made or read (its value
    of this one step would be repeated), and, on exit, a read of other memory than in an earlier block.
    """

    def __init__(self):
        super().__init__()
        self.read_before: set[int] | None = None

    def __enter__(self):
        self.read, self.made = {}, {}  # storages by their address, kept so that no address is given twice
        return super().__enter__()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if torch.Tag.nondeterministic_seeded in operation.tags:
            raise RuntimeError(f"{operation}: a random number within the capture")
        result = operation(*args, **(kwargs or {}))
        for tensors, kept in (((args, kwargs), self.read), (result, self.made)):
            for tensor in tree_leaves(tensors):
                if isinstance(tensor, Tensor):
                    if tensor.device.type != "cuda":
                        raise RuntimeError(f"{operation}: a tensor of the host within the capture")
                    storage = tensor.untyped_storage()
                    if storage._cdata not in self.read and storage._cdata not in self.made:
                        kept[storage._cdata] = storage
        return result

    def __exit__(self, kind, error, traceback):
        super().__exit__(kind, error, traceback)
        if kind is None:
            if self.read_before not in (None, {*self.read}):
                raise RuntimeError("a replay reads other memory than was captured")
            self.read_before = {*self.read}


class CheckedCuda(FakeCuda):
    """Stands in for torch.cuda: what is captured is executed, and every replay, under `CaptureChecks`."""

    @contextmanager
    def graph(self, graph, stream):
        self.captures += 1
        checks = CaptureChecks()
        with checks:
            yield

        def replayed():
            with checks:
                self.step()

        graph.step = replayed


class _Generator(torch.Generator):
    """A generator of the CPU that says which device it was asked for: one of "cuda" cannot be made without a GPU."""

    def __new__(cls, device: "str | torch.device" = "cpu"):
        made = super().__new__(cls, "cpu")
        made.asked_for = torch.device(device)
        return made


class _DrawChecks(TorchFunctionMode):
    """Raises RuntimeError for a draw on one device from a generator of another."""

    def __torch_function__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        generator = (kwargs or {}).get("generator")
        if isinstance(generator, _Generator) and generator.asked_for.type != result.device.type:
            raise RuntimeError(
                f"{operation.__name__}: a draw on {result.device} from a generator of {generator.asked_for}"
            )
        return result


@contextmanager
def fake_cuda(monkeypatch) -> Iterator[None]:
    """Within the block tensors may be on "cuda"; a backward pass, which does not run so, leaves zeros as gradients."""
    monkeypatch.setattr(torch, "Generator", _Generator)
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    with FakeTensorMode(allow_non_fake_inputs=True), _DrawChecks():
        yield


def on_fake_cuda(module: nn.Module) -> nn.Module:
    """The module with its parameters and buffers on "cuda"; call it within `fake_cuda`."""
    moved: dict[int, Tensor] = {}  # modules may share one
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    there = torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")
                    there = nn.Parameter(there, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else there
                    tensors[name] = moved.setdefault(id(tensor), there)
    return module


def without_backward(monkeypatch, model: nn.Module) -> None:
    """Let the backward pass, which needs a GPU, give each of the model's parameters a gradient of the right kind."""

    def backward(loss: Tensor) -> None:
        assert loss.shape == () and loss.requires_grad
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)

    monkeypatch.setattr(torch.Tensor, "backward", backward)


def results_read_by(monkeypatch, reader: ModuleType) -> None:
    """Let the functions of a module, and no others, read what was copied to the host: noise."""
    stream = np.random.default_rng(0)

    def numpy(tensor: Tensor) -> np.ndarray:
        assert tensor.device.type == "cpu" and sys._getframe(1).f_globals is vars(reader)
        return stream.random(tensor.shape, dtype=np.float32)

    monkeypatch.setattr(Tensor, "numpy", numpy)
