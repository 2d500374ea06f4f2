"""Building a server from its options, and shutting it down."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faces.errors import UsageError
from faces.extraction import known
from faces.files.locks import only_one
from faces.model_choice import MOVE_DATABASE, Choice, choose
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.server import compatible, keys, pages, tls
from faces.server.api import cors
from faces.server.api.application import create_app
from faces.server.api.context import Services
from faces.server.api.fetch import Fetcher
from faces.server.api.rate_limits import RateLimiter
from faces.server.housekeeping import Housekeeping
from faces.server.listening import Listener, address_of, is_loopback
from faces.server.monitoring import logs
from faces.server.monitoring.audit import Audit, AuditLog, no_audit
from faces.server.pages.context import PageServices
from faces.server.pages.picture_classifier import PictureClassifier
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.gallery_file import GalleryFile
from faces.server.people.served_recognizer import ServedRecognizer
from faces.server.search.confidence import curve
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.server.vision.vision import Vision
from faces.versions.versions import LE

DEFAULT_KEY_FILE = Path("output/face_api.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command ``serve``, by their names on the command line."""

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
    tls_cert: Path | None
    tls_key: Path | None
    tls_self_signed: bool
    cors_origin: Sequence[str] | None
    audit: Path | None
    log: str
    models: str | None
    detector: str | None
    embedding_model: str | None
    confidence: float | None
    accuracy: str | None
    min_face: int
    exclusive: bool
    attributes: tuple[str, ...]
    strict_attributes: bool
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready to run.

    listener: runs and stops it.
    database: its database.
    key: the API key.
    key_file: the file that holds the key.
    certificate: the file that holds the certificate, for https.
    """

    listener: Listener
    database: Database
    key: str
    key_file: Path
    certificate: Path | None


@contextmanager
def assembled(options: Options) -> Iterator[Server]:
    """Build a server; close its parts at the end of the block.

    Raises UsageError for wrong options, and FacesError if the server cannot start.
    """
    address = address_of(options.host)
    if not is_loopback(address) and options.key_file is None:
        raise UsageError(
            f"--host {options.host}: other machines can reach this address; give a key of your own: --key-file FILE"
        )
    fetcher, limiter = Fetcher(dict(options.url_map or ()), options.allow_url or ()), RateLimiter(options.rate_limit)
    if options.le and not options.recognizer:
        raise UsageError("--le goes with --recognizer")
    if options.tls_key and not options.tls_cert:
        raise UsageError("--tls-key goes with --tls-cert")
    if options.tls_cert and options.tls_self_signed:
        raise UsageError("--tls-self-signed makes a certificate; leave out --tls-cert")
    origins = cors.checked(options.cors_origin or ())
    logs.set_up(options.log)
    return_freed_memory()
    with ExitStack() as stack:
        if (path := Database.path_of(options.database)) is not None:
            stack.enter_context(only_one(path))
        certificate = options.tls_cert
        if options.tls_self_signed:
            certificate = tls.self_signed(path.parent if path else DEFAULT_KEY_FILE.parent, address)
        encryption = tls.context(certificate, options.tls_key) if certificate else None
        key_file = options.key_file or DEFAULT_KEY_FILE
        key = keys.load(key_file)
        audit: Audit = no_audit
        if options.audit:
            audit = AuditLog(options.audit)
            stack.callback(audit.close)

        chosen = chosen_models(options)
        pipeline = Pipeline.load(
            chosen.detector, chosen.embedding_model, options.confidence, chosen.accuracy, min_face=options.min_face
        )
        if chosen.note:
            logging.getLogger(__name__).warning(chosen.note)
        spec = pipeline.embedder.spec
        confidence = curve(spec, options.threshold, pipeline.fingerprint.embedder)
        database = Database(options.database, pipeline.fingerprint, spec.dimension)
        stack.callback(database.close)
        trainer = Trainer(database, indexes := Indexes(embedder=confidence.embedder))
        stack.callback(trainer.close)

        le = options.le or (options.recognizer and options.recognizer.with_name(LE))
        recognizer = (
            ServedRecognizer(options.recognizer, le, pipeline.fingerprint) if options.recognizer and le else None
        )
        settings = known.settings(chosen.detector, options.confidence)
        gallery = GalleryFile(options.gallery, settings) if options.gallery else None
        people = EnrolledPeople(database, indexes, confidence, options.keep_photos, gallery, spec.dimension, audit)
        people.synchronize()
        maintain = partial(people.erase_older, options.retention) if options.retention else people.try_synchronize
        stack.callback(Housekeeping(database, people.removals.erase_due, maintain).stop)

        vision = Vision(pipeline)
        vision.load_attributes(options.attributes)
        services = Services(
            vision=vision,
            database=database,
            confidence=confidence,
            trainer=trainer,
            fetcher=fetcher,
            indexes=indexes,
            audit=audit,
            limiter=limiter,
            strict_attributes=options.strict_attributes,
        )
        app = create_app(services, key, origins)
        classifier = PictureClassifier(options.classifier)
        pages.install(app, PageServices(people, classifier, recognizer, options.exclusive, options.attributes), key)
        compatible.install(app, people)
        network = options.port, options.threads, options.trusted_proxy
        listener = Listener(app, address, *network, encryption, origins)
        yield Server(listener, database, key, key_file, certificate)


def chosen_models(options: Options) -> Choice:
    """Return the models that are named, else those of the database, the gallery or the recognizer, else the built-in.

    Raises UsageError for an invalid URL, and ModelError for models that are not known.
    """
    named = options.detector or options.models, options.embedding_model or options.models, options.accuracy
    if made_by := Database.models_of(options.database):
        return choose(*named, made_by, Database.path_of(options.database) or "the database", MOVE_DATABASE)
    files = options.gallery, options.recognizer and (options.le or options.recognizer.with_name(LE))
    for file in filter(None, files):
        if made_by := recognizer_files.models_of(file):
            return choose(*named, made_by, file)
    return choose(*named)


MMAP_THRESHOLD = -3  # glibc's malloc.h
LARGE_BLOCK_BYTES = 1 << 20


def return_freed_memory() -> None:
    """Make glibc return large freed blocks to the system; by default it starts to keep them, in each thread."""
    with suppress(OSError, AttributeError, TypeError):  # without glibc
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
