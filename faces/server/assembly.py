"""A server put together from its options, and taken apart again."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faces.errors import UsageError
from faces.extraction import extraction
from faces.files.locks import only_one
from faces.pipeline import Pipeline
from faces.server import keys, pages
from faces.server.api.application import create_app
from faces.server.api.context import Services
from faces.server.api.fetch import Fetcher
from faces.server.api.limits import Limiter
from faces.server.housekeeping import Housekeeping
from faces.server.listening import Listener, address_of, is_loopback
from faces.server.monitoring import logs
from faces.server.monitoring.audit import Audit, AuditLog, unheard
from faces.server.pages.classes import Classes
from faces.server.pages.context import Parts
from faces.server.people.enrolment import Enrolment
from faces.server.people.gallery_file import GalleryFile
from faces.server.people.named_by import Followed
from faces.server.search.confidence import curve
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.server.vision.vision import Vision
from faces.versions.versions import LE

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
    give_back_large_blocks()
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


MMAP_THRESHOLD = -3  # glibc's malloc.h
LARGE = 1 << 20  # bytes


def give_back_large_blocks() -> None:
    """Of a whole process. Otherwise glibc, having seen large blocks freed, keeps the next ones, in each thread."""
    with suppress(OSError, AttributeError, TypeError):  # where there is no glibc
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
