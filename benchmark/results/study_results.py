"""The results of a study as they are judged and shown: its manifest, the records of its trials, and frames of both."""

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

    The frames are computed on first access and must not be modified. Access to `frame` and `summary` raises UserError
    where a record belongs to another trial than the manifest's.

    Attributes:
        records: By key, for the trials that have one.
        paired: The same cells with the other trial of every pair, which differs in its precision; None without pairs.
    """

    manifest: Manifest
    records: Mapping[str, Record]
    paired: "StudyResults | None" = None

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """A row per table, metric and seed asked for; see `long_frame`."""
        return long_frame(self.manifest, self.records)

    @cached_property
    def summary(self) -> Summary:
        """How many trials ended in each way, both of a pair."""
        own = summary(self.manifest, self.records)
        return own + self.paired.summary if self.paired else own

    @cached_property
    def costs(self) -> "pd.DataFrame":
        """HGMVAE's training time relative to the VAE's; see `training_costs`."""
        return training_costs(self.own_records())

    def own_records(self) -> list[Record]:
        """Return the records of the manifest's trials, each once, in the order of its cells."""
        return [self.records[key] for key in self.manifest.trial_keys() if key in self.records]

    def metrics_left_out(self) -> list[str]:
        """Return the metrics that the runs were not asked for, in the order of METRICS."""
        found = {
            metric
            for record in self.own_records()
            for reasons in record.unavailable.values()
            for metric, reason in reasons.items()
            if reason.startswith(NOT_ASKED)
        }
        return [name for name in METRICS if name in found]
