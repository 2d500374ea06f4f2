"""Reading and checking requests. Clients check little themselves, and each checks something else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from uuid import UUID

from flask import request

from faces.server import errors, limits
from faces.server.api.fetch import Fetcher
from faces.server.kinds import Kind
from faces.server.limits import Range
from faces.server.vision.vision import Rectangle

COLLECTION_ID = re.compile(rf"[a-z0-9_-]{{1,{limits.MAX_COLLECTION_ID}}}")
RECOGNITION_MODELS = tuple(f"recognition_0{number}" for number in (1, 2, 3, 4))
DETECTION_MODELS = tuple(f"detection_0{number}" for number in (1, 2, 3))


class Body:
    """The JSON object in a request's body, whatever its content type. An empty body counts as ``{}``, null as absent.

    data: the body; None for that of the current request.

    The constructor and every method that reads a field raise ApiError, 400, if the value is not valid.
    """

    def __init__(self, data: bytes | None = None) -> None:
        data = _request_data() if data is None else data
        try:
            fields = json.loads(data) if data.strip() else {}
        except (ValueError, RecursionError) as error:
            raise errors.bad_argument("JSON parsing error.") from error
        if not isinstance(fields, dict):
            raise errors.bad_argument("JSON parsing error.")
        self._fields = {name: value for name, value in fields.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str, max_length: int, required: bool = False) -> str | None:
        """Return a text field; None if it is absent.

        max_length: in characters.
        required: whether it must be there and not be empty.
        """
        if (value := self._fields.get(name)) is None:
            if required:
                raise errors.bad_argument(f"'{name}' is empty.")
            return None
        if not isinstance(value, str):
            raise errors.bad_argument("Request body is invalid.")
        if required and not value:
            raise errors.bad_argument(f"'{name}' is empty.")
        if len(value) > max_length:
            raise errors.bad_argument(f"'{name}' is too long.")
        if not _storable(value):
            raise errors.bad_argument(f"'{name}' is invalid.")
        return value

    def name(self, required: bool) -> str | None:
        """Return the field ``name``."""
        return self.text("name", limits.MAX_NAME, required)

    def user_data(self, max_length: int = limits.MAX_USER_DATA) -> str | None:
        """Return the field ``userData``."""
        return self.text("userData", max_length)

    def collection(self, kind: Kind) -> str | None:
        """Return the id of a collection of this kind; None if the request names none."""
        value = self._fields.get(kind.id_name)
        if value is not None and not (isinstance(value, str) and COLLECTION_ID.fullmatch(value)):
            raise errors.bad_argument(f"{kind.title} ID is invalid.")
        return value

    def guid(self, name: str, title: str) -> str:
        """Return a field that holds a UUID. title: its name in the error message, such as ``Face ID``."""
        return _guid(self._fields.get(name), title)

    def face_ids(self, length: Range) -> list[str]:
        """Return ``faceIds``. length: how many there may be."""
        ids = self._fields.get("faceIds")
        if not isinstance(ids, list) or len(ids) not in length:
            raise errors.bad_argument("The length of faceIds is not in a valid range.")
        return [_guid(id_, "Face ID") for id_ in ids]

    def number(self, name: str, bounds: Range, default: float) -> float:
        """Return a number within the bounds; the default if it is absent."""
        value = self._fields.get(name, default)
        valid = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not valid or value not in bounds:  # before the conversion: a large integer does not fit into a float
            raise errors.bad_argument(f"The argument {name} is not valid.")
        return float(value)

    def integer(self, name: str, bounds: Range) -> int:
        """Return a whole number within the bounds; their default if it is absent."""
        assert bounds.default is not None
        value = self.number(name, bounds, bounds.default)
        if value != int(value):
            raise errors.bad_argument(f"The argument {name} is not valid.")
        return int(value)

    def choice(self, name: str, choices: Collection[str], default: str, message: str) -> str:
        """Return the choice that a field names in upper or lower case. message: the error for any other value."""
        value = self._fields.get(name, default)
        for choice in choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        raise errors.bad_argument(message)


def image(fetcher: Fetcher) -> bytes:
    """Return the image file in the body of the request, or fetch the one whose URL the body names."""
    data = _request_data()
    is_json = (request.mimetype or "").endswith("json")
    if is_json or data[:64].lstrip()[:1] == b"{":
        body = Body(data)
        if "url" not in body:
            raise errors.invalid_url()
        url = body.text("url", limits.MAX_USER_DATA, required=True) or ""
        return fetcher.fetch(url.strip())  # as browsers do; one of Microsoft's samples leaves a blank at the end
    return data


def flag(name: str, default: bool) -> bool:
    """Return a query parameter that is ``true`` or ``false``."""
    value = request.args.get(name, "").lower()
    if value not in ("", "true", "false"):
        raise errors.bad_argument(f"'{name}' is invalid.")
    return default if not value else value == "true"


def model(name: str, choices: Collection[str], label: str | None) -> str:
    """Return the label of a model in lower case; the first choice if none is given.

    The label is stored and returned, but has no effect: the server has one model.

    name: the parameter's name in the error message.
    choices: the labels of the API.
    label: the label in the request.
    """
    if not label:
        return next(iter(choices))
    if label.lower() not in choices:
        raise errors.bad_argument(f"'{name}' is invalid.")
    return label.lower()


def detected_face_seconds() -> int:
    """Return ``faceIdTimeToLive``: for how many seconds a detected face is kept."""
    return _integer("faceIdTimeToLive", limits.DETECTED_FACE_SECONDS)


def page() -> tuple[str, int]:
    """Return the id after which a list starts, and the number of entries it may have."""
    start = request.args.get("start", "")
    if len(start) > limits.MAX_COLLECTION_ID:
        raise errors.bad_argument("'start' is too long.")
    return start, _integer("top", limits.LISTED)


def attributes(known: Collection[str], refused: Collection[str] = ()) -> set[str]:
    """Return the requested attributes, spelled as in ``known``.

    refused: those of them that are an error, since no model measures them.
    """
    by_lower_case = {name.lower(): name for name in known}
    requested = [name.strip().lower() for name in request.args.get("returnFaceAttributes", "").split(",")]
    if any(name and name not in by_lower_case for name in requested):
        raise errors.bad_argument("Invalid argument returnFaceAttributes.")
    wanted = {by_lower_case[name] for name in requested if name}
    if unmeasured := sorted(wanted & set(refused)):
        raise errors.bad_argument(f"Invalid argument returnFaceAttributes. No model measures {', '.join(unmeasured)}.")
    return wanted


def face_data() -> str | None:
    """Return the ``userData`` of a face, which is a query parameter."""
    data = request.args.get("userData")
    if data is not None and len(data) > limits.MAX_FACE_USER_DATA:
        raise errors.bad_argument("'userData' is too long.")
    if data is not None and not _storable(data):
        raise errors.bad_argument("'userData' is invalid.")
    return data


def target_face() -> Rectangle | None:
    """Return the rectangle ``targetFace``; None if there is none."""
    text = request.args.get("targetFace", "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}(,\d{1,6}){3}", text):
        raise errors.bad_argument("Invalid argument targetFace.")
    left, top, width, height = (int(part) for part in text.split(","))
    if not width or not height:
        raise errors.bad_argument("Invalid argument targetFace.")
    return left, top, width, height


def new_id(kind: Kind, id_: str) -> str:
    """Check and return the id of a collection to create."""
    if not COLLECTION_ID.fullmatch(id_):
        raise errors.bad_argument(f"{kind.title} ID is invalid.")
    return id_


def _request_data() -> bytes:
    """Return the whole body. Raises ApiError if it is shorter than announced, so that no partial data is used."""
    data = request.get_data(cache=False)
    if request.content_length is not None and len(data) < request.content_length:
        raise errors.bad_argument("Request body is invalid.")
    return data


def _integer(name: str, bounds: Range) -> int:
    """Return a whole number from the query."""
    text = request.args.get(name, "") or str(bounds.default)
    if len(text) > 9 or not text.isdecimal() or int(text) not in bounds:
        raise errors.bad_argument(f"'{name}' is invalid.")
    return int(text)


def _guid(value: object, title: str) -> str:
    try:
        return str(UUID(str(value))) if isinstance(value, str) and len(value) >= 32 else _invalid(title)
    except ValueError:
        return _invalid(title)


def _invalid(title: str) -> str:
    raise errors.bad_argument(f"{title} is invalid.")


def _storable(text: str) -> bool:
    """Return whether a database can store a text: JSON may hold NUL and single surrogates, which databases reject."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
