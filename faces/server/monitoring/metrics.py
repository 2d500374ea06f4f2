"""What Prometheus is told: figures of requests, faces, trainings and of the process, and of nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from faces.server.monitoring.route_names import here
from faces.server.store.database import Database
from faces.server.store.schema import Collection

NAME = "faces_metrics"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Of one application. faces: to be counted by who finds them."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        what = ("method", "route")
        self._requests = Counter("faces_requests", "Requests answered", (*what, "status"), registry=self._registry)
        self._seconds = Histogram(
            "faces_request_seconds", "Time to answer", what, buckets=SECONDS, registry=self._registry
        )
        self.faces = Counter("faces_detected", "Faces found in pictures", registry=self._registry)
        self._registry.register(_Collections(database))
        ProcessCollector(registry=self._registry)

    def count(self, response: Response) -> None:
        """A request, as it is answered."""
        what = request.method if request.url_rule else "", here()
        self._requests.labels(*what, str(response.status_code)).inc()
        self._seconds.labels(*what).observe(milliseconds() / 1e3)

    def text(self) -> bytes:
        """In Prometheus's format."""
        return generate_latest(self._registry)


class _Collections(Collector):
    """How many collections there are, and how their last training went, by the database: whoever trained them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily("faces_collections", "", labels=("kind", "training"))]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "faces_collections",
            "Groups and lists, by kind and how their last training went",
            labels=("kind", "training"),
        )
        by = Collection.kind, Collection.training_status
        with self._database.read() as session:
            for kind, status, number in session.execute(select(*by, func.count()).group_by(*by)):
                family.add_metric((kind, status or "never"), number)
        yield family


def figures() -> Metrics:
    """Those of the application that answers now."""
    metrics = current_app.extensions[NAME]
    assert isinstance(metrics, Metrics)
    return metrics


def start_clock(app: Flask) -> None:
    """Before anything else is done with a request."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()


def milliseconds() -> float:
    """Since the request began that is answered now."""
    return (time.perf_counter() - float(g.started)) * 1e3
