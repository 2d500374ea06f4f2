"""What the server says on stderr: a line per request, and what went wrong; no ids, no names, no addresses."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

from flask import Response, request

from faces.server.monitoring.metrics import milliseconds
from faces.server.monitoring.route_names import here

requests = logging.getLogger("faces.server.requests")


def set_up(form: str) -> None:
    """Of a whole process. form: ``text``, ``json``, or ``none``: without requests."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests wait is in their times
    requests.setLevel(logging.WARNING if form == "none" else logging.INFO)


def log(response: Response) -> None:
    """A request, as it is answered."""
    if requests.isEnabledFor(logging.INFO):
        said = {
            "method": request.method,
            "route": here(),
            "status": response.status_code,
            "ms": round(milliseconds(), 1),
            "bytes": response.calculate_content_length() or 0,
        }
        requests.info("%(method)s %(route)s %(status)s %(ms)s ms %(bytes)s bytes", said, extra={"said": said})


class _Text(logging.Formatter):
    """Time, message, and the traceback where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return _time(record)


class _Json(logging.Formatter):
    """One object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {"time": _time(record), "level": record.levelname.lower()}
        said |= getattr(record, "said", None) or {"message": record.getMessage()}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
