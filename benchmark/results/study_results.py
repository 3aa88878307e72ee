"""A study's results for judging and display: its manifest, its trials' records, and frames of both."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmark.evaluation.scores import NOT_ASKED
from benchmark.metrics import METRICS
from benchmark.results.frame import Summary, long_frame, summary
from benchmark.results.manifest import Manifest
from benchmark.results.records import Record
from benchmark.results.training_costs import training_costs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StudyResults:
    """A manifest and the records of its trials.

    Frames are computed on first access and must not be modified. Access to `frame` and `summary` raises UserError if a
    record belongs to a trial other than the manifest's.

    Attributes:
        records: Records by key, for the trials that have one.
        paired: Results of the same cells from the second trial of every pair, in another precision; None without pairs.
    """

    manifest: Manifest
    records: Mapping[str, Record]
    paired: "StudyResults | None" = None

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per table, metric and requested seed; see `long_frame`."""
        return long_frame(self.manifest, self.records)

    @cached_property
    def summary(self) -> Summary:
        """Numbers of trials by outcome, including both trials of every pair."""
        own = summary(self.manifest, self.records)
        return own + self.paired.summary if self.paired else own

    @cached_property
    def costs(self) -> "pd.DataFrame":
        """Training times of HGMVAE relative to the VAE; see `training_costs`."""
        return training_costs(self.own_records())

    @property
    def exit_status(self) -> int:
        """The exit status of commands about the study: 0 if every trial ended well, else 3."""
        counts = self.summary
        return 0 if counts.ok == sum(dataclasses.astuple(counts)) and not self.manifest.unavailable else 3

    def own_records(self) -> list[Record]:
        """Return the records of the manifest's trials, each once, in the order of its cells."""
        return [self.records[key] for key in self.manifest.trial_keys() if key in self.records]

    def metrics_left_out(self) -> list[str]:
        """Return the metrics that the runs did not request, in the order of METRICS."""
        found = {
            metric
            for record in self.own_records()
            for reasons in record.unavailable.values()
            for metric, reason in reasons.items()
            if reason.startswith(NOT_ASKED)
        }
        return [name for name in METRICS if name in found]
