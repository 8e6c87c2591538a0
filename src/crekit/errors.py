"""The errors that a user can cause or meet.

Each carries one line that names the file, the record and the remedy. ``tools/_options.py`` prints the line and
chooses the exit status: 2 for `InputError`, 1 for `WorkError`. Nothing else is caught broadly.
"""


class InputError(ValueError):
    """An option or an input is wrong, and its owner can mend it. Exit status 2."""


class WorkError(RuntimeError):
    """The inputs were right, but the work failed on the way: a full disk, a worker that was killed. Exit status 1."""
