"""The errors that a user sees: each message says what failed and what to do."""

from __future__ import annotations


def reason_of(error: BaseException) -> str:
    """Return why a system call failed, in lower case: ``no space left on device``.

    The error's number and file name are left out.

    >>> reason_of(OSError(28, "No space left on device", "faces.db"))
    'no space left on device'
    """
    return str(getattr(error, "strerror", None) or error).lower()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its class if it has no text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class FacesError(Exception):
    """Base of the errors that a command reports as one line on stderr.

    status: the command's exit status.
    """

    status = 1


class UsageError(FacesError):
    """The command line is wrong: a missing folder, an option out of range."""

    status = 2


class ImageError(FacesError):
    """The file is not a photograph that can be read."""


class ImageSizeError(ImageError):
    """The photograph has too many pixels."""


class ModelError(FacesError):
    """A model is missing, damaged, or cannot run with the installed packages."""


class CacheError(ModelError):
    """The folder for converted models cannot be written."""


class PickleError(FacesError):
    """A pickle cannot be read, is refused, or holds something else."""


class FingerprintError(FacesError):
    """Two things were made by different models and must not be mixed."""


class SourceError(FacesError):
    """A camera, video file or stream cannot be opened."""
