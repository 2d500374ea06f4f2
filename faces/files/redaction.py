"""Addresses without their passwords, for messages and records."""

from __future__ import annotations

import re


def without_password(text: str) -> str:
    """An address as it may be shown: ``rtsp://user:***@host``."""
    text = re.sub(r"(://[^/:@\s]*:)[^/\s]*@", r"\1***@", text)
    return re.sub(r"(?i)([?&][^=&\s]*(?:pass|pwd|token|secret|key)[^=&\s]*=)[^&\s]*", r"\1***", text)
