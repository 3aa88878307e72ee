"""A page's data to its two files, PNG and PDF; the same data give the same bytes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure

from benchmark.errors import UserError
from benchmark.files import written_whole
from benchmark.plotting.style import RC

# No date, and no version of matplotlib: they say nothing of the figure and would change its bytes. In the PDF, where
# all else is vectors, the resolution is that of photographs.
_FORMATS = {
    "png": {"dpi": 150, "metadata": {"Software": None}},
    "pdf": {"dpi": 300, "metadata": {"Creator": None, "Producer": None, "CreationDate": None}},
}


@contextmanager
def matplotlib_set_to(settings: Mapping[str, Any]) -> Iterator[None]:
    """matplotlib's own defaults but for the settings, whatever a user or another library has set; for the block."""
    with rc_context():
        rcdefaults()
        rcParams.update(settings)
        yield


def write_page(draw: Callable[[Any], Figure], data: Any, folder: Path, name: str) -> tuple[Path, ...]:
    """Draws the data and writes NAME.png and NAME.pdf; returns their paths. `folder` is made.

    Raises UserError where the folder cannot be written.
    """
    paths = tuple(folder / f"{name}.{kind}" for kind in _FORMATS)
    with matplotlib_set_to(RC):
        figure = draw(data)
        try:
            for path, (kind, settings) in zip(paths, _FORMATS.items(), strict=True):
                with written_whole(path) as part:
                    figure.savefig(part, format=kind, **settings)
        except OSError as error:
            raise UserError(f"{folder}: figures cannot be written there ({error.strerror})") from None
    return paths
