"""The default key: the headers and the field that carry a key, and the file that keeps it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import make_folder, owner_only

KEY_HEADER = "Ocp-Apim-Subscription-Key"
COMPREFACE_KEY_HEADER = "x-api-key"
DEEPSTACK_KEY_FIELD = "api_key"
DEFAULT_KEY_NAME = "default"  # of the key in the file
MIN_KEY_CHARACTERS = 16


def load(path: Path) -> str:
    """Read the key from a file; if there is no file, create it with a new key, readable by its owner alone.

    Raises UsageError if the file holds no valid key, and FacesError if it cannot be read or created.
    """
    try:
        make_folder(path.parent)
        with suppress(FileExistsError), open(path, "x", encoding="ascii", opener=owner_only) as file:
            file.write(f"{secrets.token_hex(16)}\n")
        key = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a key: use ASCII characters only") from error
    except OSError as error:
        raise FacesError(f"{path}: {reason_of(error)}") from error
    if len(key) < MIN_KEY_CHARACTERS or not key.isprintable() or " " in key:
        raise UsageError(f"{path}: not a key: write one line of at least {MIN_KEY_CHARACTERS} characters, no spaces")
    return key
