"""How a method's configuration is declared."""

from pydantic import ConfigDict

# Left to itself pydantic drops a misspelt field without a word.
AS_DECLARED = ConfigDict(extra="forbid", allow_inf_nan=False)
