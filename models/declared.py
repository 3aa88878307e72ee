"""How a method's configuration is declared."""

from pydantic import ConfigDict

# By default pydantic ignores a misspelt field silently.
AS_DECLARED = ConfigDict(extra="forbid", allow_inf_nan=False)
