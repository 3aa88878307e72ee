"""How much of the paper a study decides: counts of its verdicts on numbers and of its claims by state."""

from dataclasses import dataclass

import pandas as pd

from benchmark.verdict.cell_verdicts import Verdict
from benchmark.verdict.claim_judging import ClaimState

_NUMBERS = (Verdict.REPRODUCED, Verdict.CONTRADICTED)
_CLAIMS = tuple(state for state in ClaimState if state != ClaimState.OPEN)


@dataclass(frozen=True)
class DecidedCounts:
    """Counts of decided numbers and claims, without verdicts and states that do not occur.

    Attributes:
        numbers: Verdict -> count of the paper's numbers.
        claims: State -> count of the paper's claims.
    """

    numbers: dict[str, int]
    claims: dict[str, int]

    @property
    def all_numbers(self) -> int:
        """The total of decided numbers."""
        return sum(self.numbers.values())

    @property
    def all_claims(self) -> int:
        """The total of decided claims."""
        return sum(self.claims.values())


def decided_counts(cells: pd.DataFrame, claims: pd.DataFrame) -> DecidedCounts:
    """Count the decided numbers and claims.

    Args:
        cells: The result of `cell_verdicts`.
        claims: The result of `claims_frame`.
    """
    verdicts, states = cells["verdict"].value_counts(), claims["ours"].value_counts()
    return DecidedCounts(
        {str(one): int(verdicts[one]) for one in _NUMBERS if one in verdicts},
        {str(one): int(states[one]) for one in _CLAIMS if one in states},
    )
