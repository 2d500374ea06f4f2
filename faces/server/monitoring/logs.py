"""The log on stderr: one line a request, and errors; without ids, names or addresses."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

from flask import Response, request

from faces.server.monitoring.metrics import milliseconds
from faces.server.monitoring.route_names import current_route

request_log = logging.getLogger("faces.server.requests")


def set_up(form: str) -> None:
    """Set up the log of this process. form: ``text``, ``json``, or ``none``, which logs errors alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # waiting shows in the times of the requests
    request_log.setLevel(logging.WARNING if form == "none" else logging.INFO)


def log_request(response: Response) -> None:
    """Log the current request with its response."""
    if request_log.isEnabledFor(logging.INFO):
        fields = {
            "method": request.method,
            "route": current_route(),
            "status": response.status_code,
            "ms": round(milliseconds(), 1),
            "bytes": response.calculate_content_length() or 0,
        }
        request_log.info("%(method)s %(route)s %(status)s %(ms)s ms %(bytes)s bytes", fields, extra={"fields": fields})


class _Text(logging.Formatter):
    """Time, message, and the traceback if there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return _time(record)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {"time": _time(record), "level": record.levelname.lower()}
        fields |= getattr(record, "fields", None) or {"message": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
