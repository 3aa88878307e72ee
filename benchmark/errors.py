"""Errors whose messages are written for users; the command line prints them as one line."""


class UserError(Exception):
    """An error that the user can fix; its message names the file, field or option (exit status 2)."""


class DataUnavailable(UserError):
    """A data set's files are neither on disk nor downloadable; the study continues without the data set."""
