"""A user's own data sets: their names, checks, descriptions and results folder."""

from pathlib import Path

from benchmark.commands.folders import RUNS
from benchmark.data.dataset import data_marks
from benchmark.data.specs import DATASETS
from benchmark.errors import UserError
from benchmark.studies.grid import Grid
from benchmark.tables.captions import MARK_MEANINGS


def own_datasets(data_dir: Path) -> set[str]:
    """Return the names of a user's own data sets: the .npz files in the data folder not of a registered data set."""
    registered = {spec.npz for spec in DATASETS.values()}
    return {path.stem for path in data_dir.glob("*.npz") if path.name not in registered}


def check_own_datasets(grid: Grid) -> None:
    """Check that the user's own data sets of a grid are available.

    Raises:
        UserError: A data set is unavailable; no other images can replace it.
    """
    for name, reason in grid.unavailable.items():
        if name not in DATASETS:
            raise UserError(reason)


def data_facts(grid: Grid) -> list[str]:
    """List what a reader must know about the available data sets.

    Returns:
        A line per own data set about its split, then a line per mark with its meaning.
    """
    own = [
        f"{name}: {data.n_train:,} training and {data.n_test:,} test images; {data.split}"
        for name, data in grid.datasets.items()
        if name not in DATASETS
    ]
    marked = [
        f"{name} [{mark}]: {MARK_MEANINGS[mark]}"
        for name, data in grid.datasets.items()
        for mark in data_marks(data)
        if grid.study.images != "drawn"  # because its notes already say so
    ]
    return own + marked


def default_out(grid: Grid) -> Path:
    """Return the default results folder of a grid, a separate one if it has changes or own data sets."""
    own = sorted({cell.dataset for cell in grid.cells} - set(DATASETS))
    changed = ["changed"] if grid.study.changes else []
    return RUNS / "-".join([grid.study.name, *changed, *own])
