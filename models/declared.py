"""The pydantic settings of every method's configuration."""

from pydantic import ConfigDict

# By default pydantic ignores a misspelt field silently.
AS_DECLARED = ConfigDict(extra="forbid", allow_inf_nan=False)
