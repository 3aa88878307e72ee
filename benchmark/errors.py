"""The errors a user is meant to read; the CLI prints them as one line."""


class UserError(Exception):
    """An error that the user can fix: the message names the file, field or flag (exit status 2)."""


class DataUnavailable(UserError):
    """A data set's files are neither on disk nor downloadable; the study continues without it."""
