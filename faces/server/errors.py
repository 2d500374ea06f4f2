"""What the API answers when something is wrong: status, code and message as the real service's table has them.

learn.microsoft.com/azure/ai-services/computer-vision/reference-face-error-codes
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from faces.server.kinds import Kind


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@contextmanager
def answered_with(status: int) -> Iterator[None]:
    """What is not found in here has this status: the same code has another one in another operation."""
    try:
        yield
    except ApiError as error:
        raise ApiError(status, error.code, error.message) if error.status == 404 else error from None


def bad_argument(message: str) -> ApiError:
    return ApiError(400, "BadArgument", message)


def invalid_url(message: str = "Invalid image URL.") -> ApiError:
    return ApiError(400, "InvalidURL", message)


def invalid_image(message: str) -> ApiError:
    return ApiError(400, "InvalidImage", message)


def unsupported_image() -> ApiError:
    return invalid_image("Decoding error, image format unsupported.")


def no_face() -> ApiError:
    return invalid_image("No face detected in the image.")


def several_faces() -> ApiError:
    return invalid_image("There is more than 1 face in the image.")


def image_too_small() -> ApiError:
    return ApiError(
        400,
        "InvalidImageSize",
        "Image size is too small. The valid image file size should be larger than or equal to 1 KB.",
    )


def image_too_big(limit: str = "The valid image file size should be no larger than 6 MB.") -> ApiError:
    return ApiError(400, "InvalidImageSize", f"Image size is too big. {limit}")


def wrong_key() -> ApiError:
    return ApiError(
        401,
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an"
        " active subscription and use a correct regional API endpoint for your resource.",
    )


def quota_exceeded(what: str) -> ApiError:
    return ApiError(403, "QuotaExceeded", f"{what} number reached limit.")


def collection_not_found(kind: Kind) -> ApiError:
    return ApiError(404, f"{kind.code}NotFound", f"{kind.words} is not found.")


def collection_exists(kind: Kind) -> ApiError:
    return ApiError(409, f"{kind.code}Exists", f"{kind.words} already exists.")


def not_trained(kind: Kind) -> ApiError:
    return ApiError(404, f"{kind.code}NotTrained", f"{kind.words} not trained.")


def training_not_finished(kind: Kind) -> ApiError:
    return ApiError(409, f"{kind.code}TrainingNotFinished", f"{kind.words} is under training.")


def list_is_empty() -> ApiError:
    return ApiError(400, "FaceListNotReady", "Face list is empty.")


def person_not_found(person: str) -> ApiError:
    return ApiError(404, "PersonNotFound", f"Person {person} is not found.")


def persisted_face_not_found(face: str) -> ApiError:
    return ApiError(404, "PersistedFaceNotFound", f"Persisted face {face} is not found.")


def person_without_face() -> ApiError:
    return ApiError(404, "PersistedFaceNotFound", "No persisted face of the person is found.")


def face_not_found() -> ApiError:
    return ApiError(404, "FaceNotFound", "Face is not found.")


def not_offered(what: str) -> ApiError:
    return ApiError(501, "NotImplemented", f"{what} is not offered by this server.")


def unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)


def disk_full() -> ApiError:
    return ApiError(507, "InsufficientStorage", "The disk of the server is full.")
