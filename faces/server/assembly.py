"""A server put together from its options, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faces import extraction
from faces.errors import UsageError
from faces.locks import only_one
from faces.pipeline import Pipeline
from faces.server import keys, logs, memory, pages
from faces.server.application import create_app
from faces.server.audit import Audit, AuditLog, unheard
from faces.server.confidence import curve
from faces.server.database import Database
from faces.server.enrolment import Enrolment
from faces.server.fetch import Fetcher
from faces.server.gallery_file import GalleryFile
from faces.server.housekeeping import Housekeeping
from faces.server.in_service import Followed
from faces.server.limits import Limiter
from faces.server.listening import Listener, address_of, is_loopback
from faces.server.matching import Indexes
from faces.server.pages.classes import Classes
from faces.server.pages.parts import Parts
from faces.server.services import Services
from faces.server.training import Trainer
from faces.server.vision import Vision
from faces.versions import LE

KEY_FILE = Path("output/face_api.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Those of ``serve.py``, by their names there."""

    host: str
    port: int
    database: str
    key_file: Path | None
    threads: int
    url_map: Sequence[tuple[str, Path]] | None
    allow_url: Sequence[str] | None
    classifier: Path
    gallery: Path | None
    recognizer: Path | None
    le: Path | None
    keep_photos: bool
    retention: float | None
    rate_limit: str
    trusted_proxy: str | None
    audit: Path | None
    log: str
    detector: str
    embedding_model: str
    confidence: float
    accuracy: str
    min_face: int
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Server:
    """What whoever starts one has to know."""

    listener: Listener
    database: Database
    key: str
    key_file: Path


@contextmanager
def assembled(options: Options) -> Iterator[Server]:
    """A server that is ready to run. Raises UsageError for wrong options, and FacesError for what stands against it."""
    address = address_of(options.host)
    if not is_loopback(address) and options.key_file is None:
        raise UsageError(f"--host {options.host}: others can reach this; name a key of your own: --key-file FILE")
    fetcher, limiter = Fetcher(dict(options.url_map or ()), options.allow_url or ()), Limiter(options.rate_limit)
    if options.le and not options.recognizer:
        raise UsageError("--le goes with --recognizer")
    logs.set_up(options.log)
    memory.give_back_large_blocks()
    with ExitStack() as stack:
        if (path := Database.path_of(options.database)) is not None:
            stack.enter_context(only_one(path))
        key_file = options.key_file or KEY_FILE
        key = keys.load(key_file)
        audit: Audit = unheard
        if options.audit:
            audit = AuditLog(options.audit)
            stack.callback(audit.close)

        pipeline = Pipeline.load(
            options.detector, options.embedding_model, options.confidence, options.accuracy, min_face=options.min_face
        )
        spec = pipeline.embedder.spec
        confidence = curve(spec, options.threshold)
        database = Database(options.database, pipeline.fingerprint, spec.dimension)
        stack.callback(database.close)
        trainer = Trainer(database, indexes := Indexes())
        stack.callback(trainer.close)

        le = options.le or (options.recognizer and options.recognizer.with_name(LE))
        named_by = Followed(options.recognizer, le, pipeline.fingerprint) if options.recognizer and le else None
        gallery = GalleryFile(options.gallery, extraction.settings(options.confidence)) if options.gallery else None
        enrolment = Enrolment(database, indexes, confidence, options.keep_photos, gallery, spec.dimension, audit)
        enrolment.share()
        keep = partial(enrolment.retire, options.retention) if options.retention else enrolment.follow
        stack.callback(Housekeeping(database, keep).stop)

        parts = Services(Vision(pipeline), database, confidence, trainer, fetcher, indexes, audit, limiter)
        app = create_app(parts, key)
        pages.install(app, Parts(enrolment, Classes(options.classifier), named_by), key)
        listener = Listener(app, address, options.port, options.threads, options.trusted_proxy)
        yield Server(listener, database, key, key_file)
