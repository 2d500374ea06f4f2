"""The audit log: a JSON line for each enrolment, search and erasure, with ids, never with a name or an image."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from concurrent_log_handler import ConcurrentRotatingFileHandler
from flask import g, has_request_context, request

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import OWNER_FILE, make_folder

KEY_NAME = "key_name"  # attribute of ``flask.g``: the name of the key that the request has
MAX_FILE_BYTES = 10 << 20
KEPT_FILES = 20

log = logging.getLogger(__name__)


class Audit(Protocol):
    """A function that records actions."""

    def __call__(self, action: str, **ids: str) -> None:
        """Record an action that has succeeded.

        action: such as ``enrol`` or ``erase``.
        ids: what it was done to, such as ``person``.
        """
        ...


def no_audit(action: str, **ids: str) -> None:
    """Record nothing."""


class _File(ConcurrentRotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        log.error("cannot write to the audit log: %s", sys.exc_info()[1])


class AuditLog:
    """An audit log in a file that only its owner can read. Several processes may write to it.

    Each line has the time (UTC), the client's address, or ``server`` for what the server does on its own, and the name
    of the client's key. A full file is renamed with a number. A line that cannot be written, such as on a full disk,
    becomes an error in the server's log.

    Raises UsageError if the path is a device or a pipe, and FacesError if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):  # the log would change a device's mode
                raise UsageError(f"--audit {path}: not a regular file; give a file, or none for no audit log")
            make_folder(path.parent)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, OWNER_FILE))
            mode = stat.S_IMODE(path.stat().st_mode)
            self._handler = _File(path, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8", chmod=mode)
        except OSError as error:
            raise FacesError(f"{path}: {reason_of(error)}") from error

    def __call__(self, action: str, **ids: str) -> None:
        """Write a line: see ``Audit``."""
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        who = {"address": "server"}
        if has_request_context():
            who = {"address": request.remote_addr or "unknown"} | ({"key": g.key_name} if KEY_NAME in g else {})
        line = json.dumps({"time": time, **who, "action": action, **ids})
        self._handler.handle(logging.LogRecord("audit", logging.INFO, __file__, 0, line, None, None))

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # such as on a full disk, which the log has reported
            self._handler.close()
