"""Removes the parts of the user's environment that would change results, figures or output.

Imported with the package, and so before any library, in every process of a study.
"""

import logging
import os
import sys
import warnings
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

# They change float32 arithmetic behind the program's back; records would then name another arithmetic than was used.
_ARITHMETIC_VARIABLES = (
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "SKLEARN_ASSUME_FINITE",
)
# The two reproducible ones (cuBLAS); under any other torch refuses deterministic products.
_REPRODUCIBLE_WORKSPACES = (":4096:8", ":16:8")
_IGNORED_BY_PYTHON = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def sanitize_environment() -> None:
    """Remove such variables from this process and its children, and see that matplotlib has its own defaults."""
    for name in _ARITHMETIC_VARIABLES:
        os.environ.pop(name, None)
    if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _REPRODUCIBLE_WORKSPACES:
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    if os.environ.pop("PYTHONWARNINGS", None):
        _reset_warning_filters()
    _keep_matplotlib_plain()


def _reset_warning_filters() -> None:
    """Restore Python's own filters: a library's warning made an error would be a failed trial."""
    sys.warnoptions.clear()  # what children are started with
    warnings.resetwarnings()
    for category in _IGNORED_BY_PYTHON:
        warnings.simplefilter("ignore", category)


def _keep_matplotlib_plain() -> None:
    """Keep the user's matplotlibrc and backend away: either can make the import of matplotlib fail."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no warning of a home where no font cache can be written
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("matplotlib is not installed", name="matplotlib")
    defaults = Path(package.origin).parent / "mpl-data" / "matplotlibrc"
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(defaults)}
    if os.path.exists(defaults.name):  # a file of that name in the working folder takes precedence over the variable
        with chdir(defaults.parent):
            import matplotlib  # noqa: F401
