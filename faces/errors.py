"""What can go wrong, as the user sees it: every message says what failed and what to do."""


class FacesError(Exception):
    """Base of every error that a script reports as one line on stderr, with exit status ``status``."""

    status = 1


class UsageError(FacesError):
    """A command line that cannot be carried out as written: a folder that is none, an option out of range."""

    status = 2


class ImageError(FacesError):
    """A file that is no readable photograph."""


class ModelError(FacesError):
    """A model that is missing, damaged, or not runnable with what is installed."""


class CacheError(ModelError):
    """A folder for converted models that cannot be written."""


class PickleError(FacesError):
    """A pickle that is unreadable, refused, or not what it should be."""


class FingerprintError(FacesError):
    """Two things that were made by different models and must not be mixed."""


class SourceError(FacesError):
    """A camera, video file or stream that cannot be opened."""
