"""A method's departures from the training settings that the methods of a study share, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.text import one_line


@dataclass(frozen=True)
class OwnTraining:
    """A method's departures from the training of its study.

    Attributes:
        times: Factor for the study's number of epochs.
        settings: Fields of TrainingSettings that override the study's.
        after: The method that is trained first, for the study's epochs, and whose parameters initialise this method (a
            warm start); "" for none.
        heads: Head of the encoder -> the corresponding head of `after`.
        change: What differs, in words; empty to have it said from the other fields.
    """

    times: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    heads: Mapping[str, str] = field(default_factory=dict)
    change: str = ""

    @property
    def description(self) -> str:
        """What differs from the training of the study, for the card and the captions; empty if nothing does."""
        if self.change:
            return one_line(self.change)
        parts = [f"{name} = {value}" for name, value in self.settings.items()]
        if self.times != 1:
            parts.append(f"{self.times} times the epochs of its study")
        if self.after:
            parts.append(f"starts from the parameters of a trained {self.after}")
        return one_line("; ".join(parts))


AS_THE_STUDY = OwnTraining()
