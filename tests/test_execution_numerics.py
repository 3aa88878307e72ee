"""What the processor can do, as records say it, and the line about a precision that it lacks."""

import ctypes
import platform

import pytest
import torch

from benchmark.cli import main
from benchmark.commands.chosen_executor import precision_warning
from benchmark.execution import numerics
from benchmark.execution.numerics import bfloat16_instructions, processor_name


@pytest.mark.parametrize(
    ("capabilities", "instructions"),
    [
        ({"avx512_bf16": True, "amx_bf16": True}, "amx_bf16"),
        ({"avx512_bf16": True, "amx_bf16": False}, "avx512_bf16"),
        ({"bf16": True, "neon": True}, "bf16"),
        ({"avx2": True, "avx512_bf16": False}, "none"),
    ],
)
def test_the_most_capable_instructions_are_named_and_without_any_bfloat16_is_said_to_be_slow(
    capabilities, instructions, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert bfloat16_instructions() == instructions
    warned = precision_warning("bfloat16", "cpu")
    assert (warned is not None) == (instructions == "none")
    assert precision_warning("float32", "cpu") is None and precision_warning("bfloat16", "cuda") is None


def test_a_torch_that_does_not_tell_leaves_both_unknown(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert bfloat16_instructions() == "unknown" and processor_name() == platform.machine()
    assert precision_warning("bfloat16", "cpu") is None


def test_a_c_library_without_mallopt_is_no_error(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    numerics.set_numerics("cpu", threads=torch.get_num_threads())


def test_a_precision_that_is_refused_leaves_no_folder(tmp_path, capsys):
    arguments = ["run", "--study", "smoke", "--precision", "tf32", "--device", "cpu", "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "--precision tf32: only GPUs support it" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
