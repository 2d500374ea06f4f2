"""``/healthz`` and ``/metrics``, for monitoring."""

from __future__ import annotations

from flask import Blueprint, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.monitoring.metrics import current_metrics
from faces.server.store.schema import Property

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> tuple[dict[str, str], int]:
    """Report whether the database answers. Needs no key."""
    try:
        with services().database.read() as session:
            session.execute(select(Property.name).limit(1)).all()
    except (SQLAlchemyError, ApiError):
        return {"status": "the database does not answer"}, 503
    return {"status": "ok"}, 200


@health.get("/metrics")
def metrics() -> Response:
    """Return the metrics in Prometheus's text format."""
    return Response(current_metrics().text(), mimetype=CONTENT_TYPE_PLAIN_0_0_4)
