"""The paper's Fig. 5a: test images above their reconstructions, the same images for every method."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from benchmark.data.pixels import to_unit
from benchmark.figures.study_source import CannotDraw, StudySource, TrialKind
from benchmark.figures.trained_models import N_IMAGES, image_pages, models_of, some_test_images
from benchmark.plotting.panels import centres, show
from benchmark.plotting.style import WIDTH, captioned

ORIGINALS = "originals"
_LABELS = 1.3  # inches to the left of the images


@dataclass(frozen=True)
class Reconstructions:
    """The images of one page.

    Attributes:
        rows: Label -> images in [0, 1], (n, C, S, S): ORIGINALS first, then each method's reconstructions.
    """

    title: str
    rows: Mapping[str, np.ndarray]
    caption: tuple[str, ...]


def pages(source: StudySource) -> Iterator[tuple[str, Reconstructions | CannotDraw]]:
    """Collect a page for each data set and latent dim of Tables 3 and 5."""
    return image_pages(source, "reconstructions", _data)


def _data(source: StudySource, found: list[TrialKind]) -> Reconstructions:
    shown = models_of(source, found[0].dataset, found)
    images = some_test_images(shown.dataset, N_IMAGES)
    rows = {ORIGINALS: to_unit(images)}
    rows |= {model.label: model.decode(model.encode(images)) for model in shown.models}
    where = source.study.manifest.marked_label(found[0].dataset)
    title = f"Reconstructions of test images: {where}, d = {found[0].latent_dim}"
    return Reconstructions(title, rows, shown.caption)


def draw(data: Reconstructions) -> Figure:
    """Draw one row per method, labelled on the left."""
    images = np.stack(list(data.rows.values()))
    side = images.shape[-1]
    figure, body = captioned(len(images) * (WIDTH - _LABELS) / images.shape[1] + 0.35, data.caption, data.title)
    axes = body.subplots()
    show(axes, images)
    axes.set_yticks(centres(len(images), side), data.rows)
    return figure
