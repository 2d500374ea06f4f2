"""The errors of the API: status, code and message from the Face API's own table.

learn.microsoft.com/azure/ai-services/computer-vision/reference-face-error-codes
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faces.server.kinds import Kind


class ApiError(Exception):
    """An error that the API answers with.

    status: the HTTP status.
    code: the API's error code, such as ``BadArgument``.
    message: the text for the client.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@contextmanager
def not_found_as(status: int) -> Iterator[None]:
    """Give this status to every 404 raised inside: some operations answer the same code with another status."""
    try:
        yield
    except ApiError as error:
        raise ApiError(status, error.code, error.message) if error.status == 404 else error from None


def bad_argument(message: str) -> ApiError:
    """Return the error for an invalid value in a request."""
    return ApiError(400, "BadArgument", message)


def invalid_url(message: str = "Invalid image URL.") -> ApiError:
    """Return the error for an image URL that cannot be fetched."""
    return ApiError(400, "InvalidURL", message)


def invalid_image(message: str) -> ApiError:
    """Return the error for an image that cannot be used."""
    return ApiError(400, "InvalidImage", message)


def unsupported_image() -> ApiError:
    """Return the error for data that is not an image in a supported format."""
    return invalid_image("Decoding error, image format unsupported.")


def damaged_image() -> ApiError:
    """Return the error for an image in a supported format that cannot be decoded."""
    return invalid_image("Decoding error, the image is damaged or cut off.")


def no_face() -> ApiError:
    """Return the error for an image without a face."""
    return invalid_image("No face detected in the image.")


def several_faces() -> ApiError:
    """Return the error for an image with several faces where one is required."""
    return invalid_image("There is more than 1 face in the image.")


def image_too_small() -> ApiError:
    """Return the error for an image file that is too small."""
    return ApiError(
        400,
        "InvalidImageSize",
        "Image size is too small. The valid image file size should be larger than or equal to 1 KB.",
    )


def image_too_big(limit: str = "The valid image file size should be no larger than 6 MB.") -> ApiError:
    """Return the error for an image that is too large. limit: the sentence that states the limit."""
    return ApiError(400, "InvalidImageSize", f"Image size is too big. {limit}")


def wrong_key() -> ApiError:
    """Return the error for a missing or wrong API key."""
    return ApiError(
        401,
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an"
        " active subscription and use a correct regional API endpoint for your resource.",
    )


def forbidden(scope: str, needed: str) -> ApiError:
    """Return the error for a key whose scope does not suffice."""
    return ApiError(403, "Forbidden", f"This key has the scope {scope}; this operation needs {needed}.")


def quota_exceeded(resource: str) -> ApiError:
    """Return the error for a full collection or server. resource: what there are too many of, such as ``Person``."""
    return ApiError(403, "QuotaExceeded", f"{resource} number reached limit.")


def collection_not_found(kind: Kind) -> ApiError:
    """Return the error for an unknown group or list."""
    return ApiError(404, f"{kind.code}NotFound", f"{kind.title} is not found.")


def collection_exists(kind: Kind) -> ApiError:
    """Return the error for a new group or list whose id is taken."""
    return ApiError(409, f"{kind.code}Exists", f"{kind.title} already exists.")


def not_trained(kind: Kind) -> ApiError:
    """Return the error for a search in a collection that was never trained."""
    return ApiError(404, f"{kind.code}NotTrained", f"{kind.title} not trained.")


def training_not_finished(kind: Kind) -> ApiError:
    """Return the error for a collection whose training is running."""
    return ApiError(409, f"{kind.code}TrainingNotFinished", f"{kind.title} is under training.")


def list_is_empty() -> ApiError:
    """Return the error for a search in an empty face list."""
    return ApiError(400, "FaceListNotReady", "Face list is empty.")


def person_not_found(person: str) -> ApiError:
    """Return the error for an unknown person id."""
    return ApiError(404, "PersonNotFound", f"Person {person} is not found.")


def persisted_face_not_found(face: str) -> ApiError:
    """Return the error for an unknown id of a persisted face."""
    return ApiError(404, "PersistedFaceNotFound", f"Persisted face {face} is not found.")


def person_without_face() -> ApiError:
    """Return the error for a verification against a person who has no face."""
    return ApiError(404, "PersistedFaceNotFound", "No persisted face of the person is found.")


def face_not_found() -> ApiError:
    """Return the error for a detected face whose id is unknown or has expired."""
    return ApiError(404, "FaceNotFound", "Face is not found.")


def not_offered(operation: str) -> ApiError:
    """Return the error for an operation of the Face API that this server does not have."""
    return ApiError(501, "NotImplemented", f"{operation} is not offered by this server.")


def unavailable(message: str) -> ApiError:
    """Return the error for a server that cannot answer at present."""
    return ApiError(503, "ServiceUnavailable", message)


def disk_full() -> ApiError:
    """Return the error for a server whose disk is full."""
    return ApiError(507, "InsufficientStorage", "The disk of the server is full.")
