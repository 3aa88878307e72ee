"""The weight set `calibrated`, chosen by the reference run of `calibrate`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.errors import UserError

RESULT = "results/reference/calibration/chosen.json"
CRITERION = "ranks"  # one of the two in the file, see `benchmark.calibration.selection.CRITERIA`
_FILE = Path(__file__).resolve().parents[2] / RESULT


@cache
def chosen_settings(file: Path = _FILE) -> dict[str, dict[str, Any]]:
    """Read the weights that `calibrate` chose.

    Args:
        file: JSON file written by `calibrate`.

    Returns:
        Method -> the settings in which it departs from its default weights.

    Raises:
        UserError: The file cannot be read or contains no choice by CRITERION.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))[CRITERION]
        return {method: dict(setting) for method, setting in found.items()}
    except OSError as error:
        reason = error.strerror
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = f"has no choice by the criterion {CRITERION}"
    raise UserError(f"weights calibrated: {RESULT}: {reason}; make it with calibrate, or add --weights default")
