"""Read JSON that somebody may have edited or damaged: every value has the type that is expected, or nothing is read."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def parse(text: str | bytes, kind: type[T], **known: Any) -> T:
    """Return JSON as a value of a type.

    kind: a dataclass, a TypedDict, or such as ``dict[str, str]``; other keys of the JSON are left out.
    known: values that count instead of those in the JSON, such as a number that the file's name has.
    Raises ValueError, with what does not fit.
    """
    try:
        content = json.loads(text)
        return msgspec.convert({**content, **known} if known else content, kind)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (msgspec.ValidationError, TypeError) as error:
        raise ValueError(str(error)) from error
