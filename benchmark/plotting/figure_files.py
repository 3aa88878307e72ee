"""Writing of figures as PNG and PDF; the same data give the same bytes."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure
from PIL import Image

from benchmark.files import named_write_errors, written_whole
from benchmark.plotting.style import RC

if TYPE_CHECKING:  # older versions of matplotlib do not have it
    from matplotlib.typing import RcKeyType

Data = TypeVar("Data")

# Without date and version of matplotlib, which would change the bytes of equal figures. The resolution of the PDF only
# applies to photographs; everything else is vectors.
FORMATS: Mapping[str, dict[str, Any]] = {
    "png": {"dpi": 150, "metadata": {"Software": None}},
    "pdf": {"dpi": 300, "metadata": {"Creator": None, "Producer": None, "CreationDate": None}},
}
_TRIALS = "Trials"  # keyword of the PNG's text


@contextmanager
def matplotlib_set_to(settings: "Mapping[RcKeyType, Any]") -> Iterator[None]:
    """Set matplotlib's rcParams within the block to its defaults and `settings`, whatever a user or library has set."""
    with rc_context():
        rcdefaults()
        rcParams.update(settings)
        yield


def write_page(
    draw: Callable[[Data], Figure],
    data: Data,
    folder: Path,
    name: str,
    formats: Sequence[str] = tuple(FORMATS),
    trials: str | None = None,
) -> tuple[Path, ...]:
    """Draw a figure and write NAME.png and NAME.pdf.

    Args:
        draw: Function that makes the figure.
        data: The argument of `draw`.
        folder: The output folder, created if missing.
        name: Name of the files, without extension.
        formats: The formats to write, of FORMATS; each takes about as long as the drawing.
        trials: Which trials the figure shows, in any text; the PNG file keeps it for `trials_shown`.

    Returns:
        The paths of the files.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = tuple(folder / f"{name}.{kind}" for kind in formats)
    with matplotlib_set_to(RC):
        figure = draw(data)
        for path, kind in zip(paths, formats, strict=True):
            with named_write_errors(path), written_whole(path) as part:
                how = FORMATS[kind]
                if kind == "png" and trials is not None:
                    how = how | {"metadata": how["metadata"] | {_TRIALS: trials}}
                figure.savefig(part, format=kind, **how)
    return paths


def trials_shown(png: bytes) -> str | None:
    """Return what `write_page` has kept in a PNG file about the trials that it shows; None if nothing.

    Raises:
        OSError: It is not an image.
    """
    with Image.open(io.BytesIO(png)) as image:
        text: str | None = image.info.get(_TRIALS)
    return text
