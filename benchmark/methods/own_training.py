"""What a method changes in the training that the methods of a study share, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OwnTraining:
    """A method's departures from the training of its study.

    Attributes:
        times: How many times the study's epochs it is trained.
        settings: Fields of TrainingSettings that replace the study's.
        after: The method that is trained first, for the study's epochs, and whose parameters the method then begins
            with (a warm start); "" for none.
        heads: Head of the encoder -> the head of `after` that means the same.
        change: In words, for the card.
    """

    times: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    heads: Mapping[str, str] = field(default_factory=dict)
    change: str = ""


AS_THE_STUDY = OwnTraining()
