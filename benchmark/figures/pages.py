"""The pages of figures: what a page's name says, and the trials that it shows."""

import hashlib
import re
from dataclasses import dataclass

from benchmark.results.study_results import StudyResults

_NAME = re.compile(r"(?P<kind>[a-z]+)_(?:table(?P<table>\d+)_)?(?P<dataset>.+?)(?:_d(?P<dim>\d+))?")


@dataclass(frozen=True)
class PageName:
    """The name of a figure's page in its parts.

    Attributes:
        kind: The figure, such as `curves`.
        table: Number of the paper's table whose cells the page shows; None if it is not of one table.
        dataset: Name of the data set.
        latent_dim: The latent dim that the page shows; None if it shows several.
    """

    kind: str
    table: int | None
    dataset: str
    latent_dim: int | None

    @classmethod
    def parse(cls, name: str) -> "PageName | None":
        """Take a name such as `clustering_table1_mnist` or `curves_mnist_d8` apart; None if it is not of this form."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        table, dim = (None if number is None else int(number) for number in (found["table"], found["dim"]))
        return cls(found["kind"], table, found["dataset"], dim)


def trials_on(name: str, study: StudyResults) -> str:
    """Return a digest of the trials with results that a page can show, which changes with any of them.

    Args:
        name: Name of the page.
        study: The study with its records.
    """
    page = PageName.parse(name)
    shown = (
        record.key
        for record in study.own_records()
        if record.ok
        and (page is None or record.identity.dataset == page.dataset)
        and (page is None or page.latent_dim in (None, record.identity.latent_dim))
    )
    return hashlib.sha256("\n".join(sorted(shown)).encode()).hexdigest()
