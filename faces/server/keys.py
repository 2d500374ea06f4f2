"""The key that clients have to know: in a file that only its owner can read."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import make_folder, owner_only

SHORTEST = 16


def load(path: Path) -> str:
    """The key in a file, or a new one, which is written there.

    Raises UsageError for a file that holds none, and FacesError for one that cannot be read or made.
    """
    try:
        make_folder(path.parent)
        with suppress(FileExistsError), open(path, "x", encoding="ascii", opener=owner_only) as opened:
            opened.write(f"{secrets.token_hex(16)}\n")
        key = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a key: it has letters other than English ones") from error
    except OSError as error:
        raise FacesError(f"{path}: {reason_of(error)}") from error
    if len(key) < SHORTEST or not key.isprintable() or " " in key:
        raise UsageError(f"{path}: not a key: one line of {SHORTEST} letters or more, without spaces")
    return key
