"""What a request says, checked: clients check little of it, and each in its own way."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from uuid import UUID

from flask import request

from faces.server import errors
from faces.server.api.fetch import Fetcher
from faces.server.kinds import Kind
from faces.server.vision.vision import Rectangle

LONGEST_NAME, LONGEST_DATA, LONGEST_FACE_DATA, LONGEST_ID = 128, 16_384, 1_024, 64
MOST_LISTED = 1_000
ID = re.compile(r"[a-z0-9_-]{1,64}")
RECOGNITION_MODELS = tuple(f"recognition_0{number}" for number in (1, 2, 3, 4))
DETECTION_MODELS = tuple(f"detection_0{number}" for number in (1, 2, 3))


class Body:
    """A JSON object, whatever its content type; nothing at all is an empty one, and null is as if it were not there.

    Raises ApiError, 400, for anything else, as do all that read it.
    """

    def __init__(self, data: bytes | None = None) -> None:
        data = _received() if data is None else data
        try:
            said = json.loads(data) if data.strip() else {}
        except (ValueError, RecursionError) as error:
            raise errors.bad_argument("JSON parsing error.") from error
        if not isinstance(said, dict):
            raise errors.bad_argument("JSON parsing error.")
        self._said = {name: value for name, value in said.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._said

    def text(self, name: str, longest: int, required: bool = False) -> str | None:
        if (value := self._said.get(name)) is None:
            if required:
                raise errors.bad_argument(f"'{name}' is empty.")
            return None
        if not isinstance(value, str):
            raise errors.bad_argument("Request body is invalid.")
        if required and not value:
            raise errors.bad_argument(f"'{name}' is empty.")
        if len(value) > longest:
            raise errors.bad_argument(f"'{name}' is too long.")
        if not _storable(value):
            raise errors.bad_argument(f"'{name}' is invalid.")
        return value

    def name(self, required: bool) -> str | None:
        return self.text("name", LONGEST_NAME, required)

    def user_data(self, longest: int = LONGEST_DATA) -> str | None:
        return self.text("userData", longest)

    def collection(self, kind: Kind) -> str | None:
        """A collection's id, where there is one."""
        value = self._said.get(kind.id_name)
        if value is not None and not (isinstance(value, str) and ID.fullmatch(value)):
            raise errors.bad_argument(f"{kind.words} ID is invalid.")
        return value

    def guid(self, name: str, words: str) -> str:
        return _guid(self._said.get(name), words)

    def face_ids(self, least: int, most: int) -> list[str]:
        ids = self._said.get("faceIds")
        if not isinstance(ids, list) or not least <= len(ids) <= most:
            raise errors.bad_argument("The length of faceIds is not in a valid range.")
        return [_guid(id_, "Face ID") for id_ in ids]

    def number(self, name: str, low: float, high: float, default: float) -> float:
        value = self._said.get(name, default)
        valid = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not valid or not low <= value <= high:  # as it came: a float cannot be any integer
            raise errors.bad_argument(f"The argument {name} is not valid.")
        return float(value)

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        value = self.number(name, low, high, default)
        if value != int(value):
            raise errors.bad_argument(f"The argument {name} is not valid.")
        return int(value)

    def choice(self, name: str, among: Collection[str], default: str, message: str) -> str:
        """One of several words, in any case."""
        value = self._said.get(name, default)
        for word in among:
            if isinstance(value, str) and value.lower() == word.lower():
                return word
        raise errors.bad_argument(message)


def image(fetcher: Fetcher) -> bytes:
    """The picture that a request brings, or the one at the address that it names."""
    data = _received()
    is_json = (request.mimetype or "").endswith("json")
    if is_json or data[:64].lstrip()[:1] == b"{":
        body = Body(data)
        if "url" not in body:
            raise errors.invalid_url()
        return fetcher.fetch(body.text("url", LONGEST_DATA, required=True) or "")
    return data


def flag(name: str, default: bool) -> bool:
    value = request.args.get(name, "").lower()
    if value not in ("", "true", "false"):
        raise errors.bad_argument(f"'{name}' is invalid.")
    return default if not value else value == "true"


def model(name: str, among: Collection[str], said: str | None) -> str:
    """The label of a model, of which the first is the default: it is kept and told, but there is one model only."""
    if not said:
        return next(iter(among))
    if said.lower() not in among:
        raise errors.bad_argument(f"'{name}' is invalid.")
    return said.lower()


def seconds_to_live() -> int:
    return _whole("faceIdTimeToLive", 60, 86_400, 86_400)


def page() -> tuple[str, int]:
    """After which id a list begins, and how long it may be."""
    start = request.args.get("start", "")
    if len(start) > LONGEST_ID:
        raise errors.bad_argument("'start' is too long.")
    return start, _whole("top", 1, MOST_LISTED, MOST_LISTED)


def attributes(known: Collection[str]) -> set[str]:
    """The attributes that are asked for, by their own names."""
    names = {name.lower(): name for name in known}
    wanted = [name.strip().lower() for name in request.args.get("returnFaceAttributes", "").split(",")]
    if any(name and name not in names for name in wanted):
        raise errors.bad_argument("Invalid argument returnFaceAttributes.")
    return {names[name] for name in wanted if name}


def face_data() -> str | None:
    """``userData`` of a face, which comes in the address."""
    data = request.args.get("userData")
    if data is not None and len(data) > LONGEST_FACE_DATA:
        raise errors.bad_argument("'userData' is too long.")
    if data is not None and not _storable(data):
        raise errors.bad_argument("'userData' is invalid.")
    return data


def target_face() -> Rectangle | None:
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
    """The id of a collection that is to be made."""
    if not ID.fullmatch(id_):
        raise errors.bad_argument(f"{kind.words} ID is invalid.")
    return id_


def _received() -> bytes:
    """The whole body: one that was broken off is an error of the request, and nothing is done with what there is."""
    data = request.get_data(cache=False)
    if request.content_length is not None and len(data) < request.content_length:
        raise errors.bad_argument("Request body is invalid.")
    return data


def _whole(name: str, low: int, high: int, default: int) -> int:
    """A number in the address."""
    text = request.args.get(name, "") or str(default)
    if len(text) > 9 or not text.isdecimal() or not low <= int(text) <= high:
        raise errors.bad_argument(f"'{name}' is invalid.")
    return int(text)


def _guid(value: object, words: str) -> str:
    try:
        return str(UUID(str(value))) if isinstance(value, str) and len(value) >= 32 else _invalid(words)
    except ValueError:
        return _invalid(words)


def _invalid(words: str) -> str:
    raise errors.bad_argument(f"{words} is invalid.")


def _storable(text: str) -> bool:
    """Whether databases keep a text: JSON can say half a surrogate pair and NUL, too."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
