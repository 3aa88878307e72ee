"""How torch computes in this suite: threads, precision and determinism, set in each process that trains."""

import ctypes
import os
import platform
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch

# Variables of OpenMP and MKL, with which torch computes on a CPU.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS")
# The most capable first; the last two are ARM's.
_BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
# Parameters of glibc's mallopt(3), and the largest value of each.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_TRIM, _LARGEST_MMAP = 2**31 - 1, 2**25


def set_numerics(device: str, threads: int, deterministic: bool = False) -> None:
    """Set full float32 precision and, on a GPU, repeatable kernels if they exist.

    It must be called before the process uses the GPU. TF32 has a mantissa of only 10 bits, with which SSIM, a
    difference of squares, would lose its third decimal; only a training may enable it (`TrainingSettings.precision`).

    Args:
        device: Torch name of the device on which the process computes.
        threads: CPU threads; fewer if the user's environment variables allow fewer (`thread_limit`).
        deterministic: Whether an operation without a repeatable kernel is an error, on any device.
    """
    if device.startswith("cpu"):
        _keep_freed_memory()
    torch.set_default_dtype(torch.float32)  # a method file may have set another
    torch.set_float32_matmul_precision("highest")
    torch.set_num_threads(min(threads, thread_limit() or threads))
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    repeatable = deterministic or device.startswith("cuda")
    if repeatable or torch.are_deterministic_algorithms_enabled():  # either call makes torch import much
        torch.use_deterministic_algorithms(repeatable, warn_only=not deterministic)
    if repeatable:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # unknown to mypy


def _keep_freed_memory() -> None:
    """Make the C library keep freed memory for reuse.

    Otherwise glibc returns large blocks to the system, and every training step gets its activations page by page.
    """
    with suppress(AttributeError):  # a C library other than glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_TRIM)


def begin_afresh(device: str, threads: int, deterministic: bool) -> None:
    """Reset the state that trials in one process share, so that no trial depends on those before it.

    This state comprises the settings of `set_numerics` and the global random streams of Python, numpy and torch, from
    which a user's own method may draw; the suite's own code draws only from `benchmark.streams`.

    Args:
        device: As for `set_numerics`.
        threads: As for `set_numerics`.
        deterministic: As for `set_numerics`.
    """
    set_numerics(device, threads, deterministic)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the legacy stream is the global one
    torch.manual_seed(0)


def thread_limit() -> int | None:
    """Return the most threads that the user's environment variables allow a process; None if they set no limit.

    OMP_NUM_THREADS may hold a list, for nested regions, of which the first number counts.
    """
    said = [os.environ.get(name, "").split(",")[0].strip() for name in _THREAD_VARIABLES]
    return min((int(text) for text in said if text.isdecimal() and int(text) > 0), default=None)


def bfloat16_instructions() -> str:
    """Return the processor's instructions for bfloat16 products, without which bfloat16 is slower than float32.

    Returns:
        torch's name of the most capable instructions, "none", or "unknown" if this torch does not report them.
    """
    capabilities = _processor()
    if not capabilities:
        return "unknown"
    return next((name for name in _BFLOAT16_INSTRUCTIONS if capabilities.get(name)), "none")


def processor_name() -> str:
    """Return the processor's name, or its architecture if torch does not report the name."""
    return str(_processor().get("cpu_name") or platform.machine())


def _processor() -> Mapping[str, Any]:
    """Return what torch reports about the processor; empty for a torch without this function, such as 2.11."""
    flags: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return flags


def numerics() -> dict[str, bool | int | str]:
    """Return the current settings, for a record.

    They include the processor's vector instructions, because other vector widths round differently.
    """
    return {
        "threads": torch.get_num_threads(),
        "tf32": torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "strict": torch.are_deterministic_algorithms_enabled()
        and not torch.is_deterministic_algorithms_warn_only_enabled(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_instructions": bfloat16_instructions(),
    }
