"""The settings that a calibration chose, as Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmark.calibration.candidates import Setting, at_an_end
from benchmark.calibration.selection import CRITERIA, CalibrationOutcome
from benchmark.methods.registry import METHODS
from benchmark.tables.pipe_table import escape_markdown, wide_table

_COLUMNS = ["method", "setting", "SVM accuracy", "reconstruction error", "active units", "seeds"]
_ERROR = (
    "Reconstruction error: the share of the pixels' variance that is left. Both scores are of held-out training "
    "images. A setting is a departure from the method's default weights."
)


def setting_text(method: str, grid: tuple[Setting, ...], number: int | None) -> str:
    """Describe the setting chosen for a method.

    Args:
        method: The method.
        grid: The settings tried.
        number: The position of the chosen setting; None if none was chosen.
    """
    if number is None:
        return "none: all candidates collapsed, diverged or have another number of active units"
    said = ", ".join(f"{name} = {value}" for name, value in grid[number].items())
    end = at_an_end(grid, number, METHODS[method].settings("default"))
    return f"{said} (at an end of its grid)" if end else said


def render_choice(grids: Mapping[str, tuple[Setting, ...]], found: CalibrationOutcome, made: Mapping[str, Any]) -> str:
    """Render a table of the chosen settings per criterion.

    Args:
        grids: The settings tried, by method.
        found: The calibration's outcome.
        made: The command, the notes and the data's digest, with the provenance.

    Returns:
        Markdown with a final newline.
    """
    commit = f"commit {made['git_commit'][:7]}" if made["git_commit"] else "no commit"
    parts = ["# What the calibration chose", escape_markdown("; ".join([made["command"], commit, made["date"]]))]
    parts += [escape_markdown("; ".join(made["notes"])), _ERROR]
    for criterion, of_method in found.choices.items():
        parts += [f"## {criterion}", f"{CRITERIA[criterion]}."]
        rows = [_row(method, grid, of_method.get(method), found) for method, grid in grids.items()]
        parts.append(wide_table(_COLUMNS, rows))
    return "\n\n".join(parts) + "\n"


def _row(method: str, grid: tuple[Setting, ...], number: int | None, found: CalibrationOutcome) -> list[str]:
    said = [METHODS[method].label, setting_text(method, grid, number)]
    if number is None:
        return [*said, "", "", "", ""]
    row = found.settings.loc[method, number]
    return [
        *said,
        f"{row['svm_accuracy']:.4f}",
        f"{row['reconstruction_error']:.4f}",
        f"{row['active_units']:.1f}",
        f"{row['seeds']}",
    ]
