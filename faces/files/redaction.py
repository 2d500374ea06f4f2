"""Remove passwords from addresses in messages and records."""

from __future__ import annotations

import re


def without_password(text: str) -> str:
    """Return a text in which passwords in addresses are replaced by ``***``.

    >>> without_password("rtsp://user:secret@host/stream?token=abc")
    'rtsp://user:***@host/stream?token=***'
    """
    text = re.sub(r"(://[^/:@\s]*:)[^/\s]*@", r"\1***@", text)
    return re.sub(r"(?i)([?&][^=&\s]*(?:pass|pwd|token|secret|key)[^=&\s]*=)[^&\s]*", r"\1***", text)
