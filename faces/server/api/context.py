"""What the routes work with: one of each, in every application."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app

from faces.server.api.fetch import Fetcher
from faces.server.api.limits import Limiter
from faces.server.monitoring.audit import Audit, unheard
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.server.vision.vision import Vision

NAME = "faces"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a server."""

    vision: Vision
    database: Database
    confidence: Confidence
    trainer: Trainer
    fetcher: Fetcher
    indexes: Indexes = field(default_factory=Indexes)
    audit: Audit = unheard
    limiter: Limiter = field(default_factory=Limiter)


def services() -> Services:
    """Those of the application that answers now."""
    parts = current_app.extensions[NAME]
    assert isinstance(parts, Services)
    return parts
