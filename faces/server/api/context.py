"""The services that the routes use."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app

from faces.server.api.fetch import Fetcher
from faces.server.api.rate_limits import RateLimiter
from faces.server.monitoring.audit import Audit, no_audit
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.server.vision.vision import Vision

NAME = "faces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a server that its routes share.

    strict_attributes: whether a request for an attribute that no model measures is refused.
    """

    vision: Vision
    database: Database
    confidence: Confidence
    trainer: Trainer
    fetcher: Fetcher
    indexes: Indexes = field(default_factory=Indexes)
    audit: Audit = no_audit
    limiter: RateLimiter = field(default_factory=RateLimiter)
    strict_attributes: bool = False


def services() -> Services:
    """Return the services of the application that handles the current request."""
    instance = current_app.extensions[NAME]
    assert isinstance(instance, Services)
    return instance
