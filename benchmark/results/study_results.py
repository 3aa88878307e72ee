"""A study as everything that judges or shows it takes it: its manifest, the records of its trials, and their frames."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmark.results.frame import AskedTrial, Summary, long_frame, summary, trials_of
from benchmark.results.manifest import Manifest, ManifestCell
from benchmark.results.records import Record
from benchmark.results.training_costs import training_costs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StudyResults:
    """A manifest and, by key, the records that its trials have.

    The frames are made once, when they are first asked for; nobody changes them. Each raises UserError where a record
    is that of another trial than the manifest's.
    """

    manifest: Manifest
    records: Mapping[str, Record]

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """A row per table, metric and seed asked for, as `long_frame`."""
        return long_frame(self.manifest, self.records)

    @cached_property
    def summary(self) -> Summary:
        """How many trials ended how."""
        return summary(self.manifest, self.records)

    @cached_property
    def costs(self) -> "pd.DataFrame":
        """HGMVAE's training time over the VAE's, as `training_costs`."""
        return training_costs(self.own_records())

    def trials_of(self, cell: ManifestCell) -> Iterator[AskedTrial]:
        """A cell's trials by ascending seed. Raises UserError where a record is that of another trial."""
        return trials_of(cell, self.manifest, self.records)

    def own_records(self) -> list[Record]:
        """The records that the manifest's trials have, each once, in the order of its cells."""
        return [self.records[key] for key in self.manifest.trial_keys() if key in self.records]
