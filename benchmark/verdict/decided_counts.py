"""How much of the paper a study decides: its numbers by verdict and its claims by state, of those that are decided."""

from dataclasses import dataclass

import pandas as pd

from benchmark.verdict.cell_verdicts import Verdict
from benchmark.verdict.claim_judging import ClaimState

_NUMBERS = (Verdict.REPRODUCED, Verdict.CONTRADICTED)
_CLAIMS = tuple(state for state in ClaimState if state != ClaimState.OPEN)


@dataclass(frozen=True)
class DecidedCounts:
    """What is decided, without what has no case.

    Attributes:
        numbers: Verdict -> how many of the paper's numbers.
        claims: State -> how many of its claims.
    """

    numbers: dict[str, int]
    claims: dict[str, int]

    @property
    def all_numbers(self) -> int:
        """How many numbers are decided."""
        return sum(self.numbers.values())

    @property
    def all_claims(self) -> int:
        """How many claims are decided."""
        return sum(self.claims.values())


def decided_counts(cells: pd.DataFrame, claims: pd.DataFrame) -> DecidedCounts:
    """Count the decided numbers and claims.

    Args:
        cells: As from `cell_verdicts`.
        claims: As from `claims_frame`.
    """
    verdicts, states = cells["verdict"].value_counts(), claims["ours"].value_counts()
    return DecidedCounts(
        {str(one): int(verdicts[one]) for one in _NUMBERS if one in verdicts},
        {str(one): int(states[one]) for one in _CLAIMS if one in states},
    )
