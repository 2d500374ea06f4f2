"""Who enrolled, identified and erased what: a line of JSON each, with ids, never with a picture or a name."""

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
from flask import has_request_context, request

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import OWNER_FILE, make_folder

MOST_BYTES, KEPT = 10 << 20, 20  # of a file, and files

log = logging.getLogger(__name__)


class Audit(Protocol):
    """Is told what was done, once it is done: an action, and by names the ids that it was done to."""

    def __call__(self, action: str, **what: str) -> None: ...


def unheard(action: str, **what: str) -> None:
    """An audit that is not kept."""


class _File(ConcurrentRotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        log.error("a line of the audit log could not be written: %s", sys.exc_info()[1])


class AuditLog:
    """A file, which only its owner can read; several processes may write into it. Full ones get a number.

    Each line has the time (UTC) and the address of who asked; without a request it was the server itself.
    Raises UsageError for what is there and no file, such as a device, and FacesError when it cannot be written. Later,
    when the disk is full, say, that is said in the server's log.
    """

    def __init__(self, path: Path) -> None:
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):  # a device would get the file's mode
                raise UsageError(f"--audit {path}: not a file; name one, or none for no audit")
            make_folder(path.parent)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, OWNER_FILE))
            mode = stat.S_IMODE(path.stat().st_mode)
            self._handler = _File(path, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", chmod=mode)
        except OSError as error:
            raise FacesError(f"{path}: {reason_of(error)}") from error

    def __call__(self, action: str, **what: str) -> None:
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        who = (request.remote_addr or "unknown") if has_request_context() else "server"
        line = json.dumps({"time": time, "address": who, "action": action, **what})
        self._handler.handle(logging.LogRecord("audit", logging.INFO, __file__, 0, line, None, None))

    def close(self) -> None:
        with suppress(OSError):  # of a full disk, which was told
            self._handler.close()
