"""What the calibration of record chose: the set of weights `calibrated`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.errors import UserError

RESULT = "results/reference/calibration/chosen.json"
CRITERION = "ranks"  # of the two in the file, see `benchmark.calibration.selection.CRITERIA`
_FILE = Path(__file__).resolve().parents[2] / RESULT


@cache
def chosen_settings(file: Path = _FILE) -> dict[str, dict[str, Any]]:
    """Method -> its departure from its default weights, as `calibrate` wrote it. Raises UserError where it is unfit."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))[CRITERION]
        return {method: dict(setting) for method, setting in found.items()}
    except OSError as error:
        reason = error.strerror
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = f"holds no choice by the criterion {CRITERION}"
    raise UserError(f"--weights calibrated: {RESULT}: {reason}; make it with calibrate, or take another set")
