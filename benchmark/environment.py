"""Removal of the parts of the user's environment that would change results, figures or output.

The package imports it first, so it runs before any library is imported, in every process of a study.
"""

import logging
import os
import sys
import warnings
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

# They change float32 arithmetic without the program's knowledge, so a record would name the wrong arithmetic.
_ARITHMETIC_VARIABLES = (
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "SKLEARN_ASSUME_FINITE",
)
# The two settings with which cuBLAS is reproducible; with any other, torch refuses deterministic matrix products.
_REPRODUCIBLE_WORKSPACES = (":4096:8", ":16:8")
_IGNORED_BY_PYTHON = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def sanitize_environment() -> None:
    """Remove these variables from this process and its children, and give matplotlib its own defaults."""
    for name in _ARITHMETIC_VARIABLES:
        os.environ.pop(name, None)
    if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _REPRODUCIBLE_WORKSPACES:
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    if os.environ.pop("PYTHONWARNINGS", None):
        _reset_warning_filters()
    _keep_matplotlib_plain()


def _reset_warning_filters() -> None:
    """Restore Python's own filters: a warning turned into an error would make a trial fail."""
    sys.warnoptions.clear()  # children inherit these options
    warnings.resetwarnings()
    for category in _IGNORED_BY_PYTHON:
        warnings.simplefilter("ignore", category)


def _keep_matplotlib_plain() -> None:
    """Ignore the user's matplotlibrc and backend, because either can make the import of matplotlib fail."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no warning if the home folder can hold no font cache
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("matplotlib is not installed", name="matplotlib")
    defaults = Path(package.origin).parent / "mpl-data" / "matplotlibrc"
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(defaults)}
    if os.path.exists(defaults.name):  # a file of this name in the working folder takes precedence over the variable
        with chdir(defaults.parent):
            import matplotlib  # noqa: F401
