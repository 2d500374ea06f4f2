"""Prometheus metrics of requests, faces, trainings and the process; nothing about persons."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from faces.server.monitoring.route_names import current_route
from faces.server.store.database import Database
from faces.server.store.schema import REMOVED, Collection

EXTENSION = "faces_metrics"
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of an application. ``faces``: the counter of detected faces."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self._requests = Counter("faces_requests", "Requests answered", (*labels, "status"), registry=self._registry)
        self._seconds = Histogram(
            "faces_request_seconds", "Time to answer", labels, buckets=SECONDS_BUCKETS, registry=self._registry
        )
        self.faces = Counter("faces_detected", "Faces detected in images", registry=self._registry)
        self._registry.register(_Collections(database))
        ProcessCollector(registry=self._registry)

    def count(self, response: Response) -> None:
        """Count the current request with its response."""
        labels = request.method if request.url_rule else "", current_route()
        self._requests.labels(*labels, str(response.status_code)).inc()
        self._seconds.labels(*labels).observe(milliseconds() / 1e3)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)


class _Collections(Collector):
    """The number of collections by kind and training status, from the database, which several servers may share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily("faces_collections", "", labels=("kind", "training"))]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "faces_collections",
            "Groups and lists, by kind and status of the last training",
            labels=("kind", "training"),
        )
        columns = Collection.kind, Collection.training_status
        with self._database.read() as session:
            for kind, status, number in session.execute(
                select(*columns, func.count()).where(columns[0] != REMOVED).group_by(*columns)
            ):
                family.add_metric((kind, status or "never"), number)
        yield family


def current_metrics() -> Metrics:
    """Return the metrics of the application that handles the current request."""
    metrics = current_app.extensions[EXTENSION]
    assert isinstance(metrics, Metrics)
    return metrics


def start_clock(app: Flask) -> None:
    """Note the start of each request. Call this before other functions are registered to run before requests."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()


def milliseconds() -> float:
    """Return the time since the current request started."""
    return (time.perf_counter() - float(g.started)) * 1e3
