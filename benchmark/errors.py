"""The errors a user is meant to read; the CLI prints them as one line."""


class UserError(Exception):
    """Something the user can mend: a file, a field or a flag, named in the message (exit status 2)."""


class DataUnavailable(UserError):
    """A data set's files are neither here nor to be had; the study goes on without it."""
