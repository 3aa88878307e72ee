"""What of the user's environment must not reach the libraries, for it would change results, figures or output.

Imported with the package, so before any library, in every process that has a part in a study.
"""

import logging
import os
import sys
import warnings
from contextlib import chdir, nullcontext
from importlib.util import find_spec
from pathlib import Path

# They make float32 arithmetic something else than what records say it was, whatever the program asks for.
_OF_ARITHMETIC = (
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "SKLEARN_ASSUME_FINITE",
)
# The two that repeat (cuBLAS); under any other torch refuses deterministic products.
_WORKSPACES = (":4096:8", ":16:8")
_IGNORED_BY_PYTHON = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def settle() -> None:
    """Take such variables out of this process and those that it starts, and load matplotlib with its own defaults."""
    for name in _OF_ARITHMETIC:
        os.environ.pop(name, None)
    if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _WORKSPACES:
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    if os.environ.pop("PYTHONWARNINGS", None):
        _forget_warning_options()
    _load_matplotlib()


def _forget_warning_options() -> None:
    """Back to Python's own filters: a library's warning made an error would be a failed trial."""
    sys.warnoptions.clear()  # what children are started with
    warnings.resetwarnings()
    for category in _IGNORED_BY_PYTHON:
        warnings.simplefilter("ignore", category)


def _load_matplotlib() -> None:
    """Without the user's matplotlibrc and backend: either can end the import, and so that of what needs it."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no word on a home that takes no cache of fonts
    defaults = Path(find_spec("matplotlib").origin).parent / "mpl-data" / "matplotlibrc"
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(defaults)}
    # A file of that name in the working folder goes before the variable.
    with chdir(defaults.parent) if os.path.exists(defaults.name) else nullcontext():
        import matplotlib  # noqa: F401
