"""A user's own data sets beside the registered ones: their names, their absence, their folder, what is said of them."""

from pathlib import Path

from benchmark.commands.folders import RUNS
from benchmark.data import DATASETS
from benchmark.errors import UserError
from benchmark.studies.grid import Grid, data_marks
from benchmark.tables.captions import MARK_MEANINGS


def own_datasets(data_dir: Path) -> set[str]:
    """The names of a data folder's files that are no registered set's."""
    registered = {spec.npz for spec in DATASETS.values()}
    return {path.stem for path in data_dir.glob("*.npz") if path.name not in registered}


def check_own_datasets(grid: Grid) -> None:
    """Raises UserError for a data set of the user's own whose file is not there: nothing can stand in for it."""
    for name, reason in grid.unavailable.items():
        if name not in DATASETS:
            raise UserError(reason)


def data_facts(grid: Grid) -> list[str]:
    """What must be known of the data sets at hand, a line each: how the user's own were split, and what marks mean."""
    own = [
        f"{name}: {data.n_train:,} training and {data.n_test:,} test images; {data.split}"
        for name, data in grid.datasets.items()
        if name not in DATASETS
    ]
    marked = [
        f"{name} [{mark}]: {MARK_MEANINGS[mark]}"
        for name, data in grid.datasets.items()
        for mark in data_marks(data)
        if not grid.study.procedural  # which its notes say
    ]
    return own + marked


def default_out(grid: Grid) -> Path:
    """A study's folder; one with a user's own data sets has a folder of its own."""
    own = sorted({cell.dataset for cell in grid.cells} - set(DATASETS))
    return RUNS / "-".join([grid.study.name, *own])
