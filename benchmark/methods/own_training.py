"""A method's departures from the training settings that the methods of a study share, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OwnTraining:
    """A method's departures from the training of its study.

    Attributes:
        times: Factor for the study's number of epochs.
        settings: Fields of TrainingSettings that override the study's.
        after: The method that is trained first, for the study's epochs, and whose parameters initialise this method (a
            warm start); "" for none.
        heads: Head of the encoder -> the corresponding head of `after`.
        change: Description for the card.
    """

    times: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    heads: Mapping[str, str] = field(default_factory=dict)
    change: str = ""


AS_THE_STUDY = OwnTraining()
