"""Train a version of the recognizer, check it against the one in service, and put it in service or reject it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from faces.errors import FacesError, FingerprintError, PickleError, reason_of
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint
from faces.versions.judging import Verdict, gallery_of, is_of_losses, judge, judge_reports, source
from faces.versions.versions import LE, RECOGNIZER, REPORT, Version, Versions, counts, read_report

Train = Callable[[Path, Path], object]
"""Trains a recognizer and writes it and its label encoder to two paths, and its report beside them."""


class RejectedError(FacesError):
    """A version is worse than the one in service: without another change, it stays so."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a version is trained and checked.

    fpir, threshold, classifier: as for ``FaceRecognizer``.
    tolerance: share of the held-out photographs that the new version may lose, in (0, 1).
    keep: number of versions to keep.
    accept_losses: let more than half of the photographs be gone.
    force: put the version in service whatever the check says.
    """

    fpir: float = 0.01
    threshold: float | None = None
    classifier: str = "auto"
    tolerance: float = 0.02
    keep: int = 5
    accept_losses: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A version, and the check that put it in service or left it a candidate; None if there was nothing to do."""

    version: Version
    verdict: Verdict | None = None


def renew(versions: Versions, embeddings: Path, train: Train, options: Options, candidate: bool = False) -> Outcome:
    """Train a version on an embeddings file, check it, and put it in service.

    candidate: leave it as a candidate instead, whatever the check says.
    Raises RejectedError when the version is rejected, or nothing changed since one that was.
    """
    gallery = Gallery.load(embeddings)
    made_of = source(gallery, options.fpir, options.threshold, options.classifier)
    if not options.force and (same := _trained_on(versions, gallery, made_of)):
        if same.stage != "rejected":
            return Outcome(same)
        if not (options.accept_losses and is_of_losses(same.check)):
            raise RejectedError(f"nothing changed since version {same.number}, which {_rejection(same)}")

    new = versions.candidate(made_of)
    try:
        train(versions.path(new.number, RECOGNIZER), versions.path(new.number, LE))
        people, photographs = counts(versions.path(new.number, REPORT))
        new = replace(new, people=people, photographs=photographs, run=versions.run_of(new.number))
        verdict = _check(versions, new, gallery.fingerprint, options)
        if candidate:
            new = replace(new, why=verdict.why, check=verdict.check, waits=True)
            versions.record(new)
        else:
            new = _decide(versions, new, verdict, options.force)
    finally:
        versions.clean()
    versions.prune(options.keep)
    return Outcome(new, verdict)


def promote(versions: Versions, number: int | None, options: Options) -> Outcome:
    """Check a candidate, or a version that was rejected, against the version in service, and put it in service.

    number: of the version; None: the newest candidate.
    Raises FacesError when there is no such version, it was in service before, or it is rejected.
    """
    new = versions.waiting() if number is None else versions.get(number)
    if new.stage == "retired":
        raise FacesError(f"version {new.number} was in service before: --rollback {new.number} returns to it")
    if new.stage == "in service":
        return Outcome(new)
    models = recognizer_files.made_by(versions.path(new.number, LE))
    with naming_version_in_service(versions):
        verdict = _check(versions, new, models, options)
        new = _decide(versions, new, verdict, options.force)
    versions.prune(options.keep)
    return Outcome(new, verdict)


def roll_back(versions: Versions, number: int | None) -> int:
    """Put a version back in service, None: the one before the present one, and return its number.

    Raises FacesError when there is no such version.
    """
    number = versions.before() if number is None else number
    versions.put_in_service(number)
    return number


def kept_in_service(versions: Versions) -> str:
    """Return what stays in service when a step fails: ``version 3 stays in service``."""
    if version := versions.in_service():
        return f"version {version.number} stays in service"
    return f"{versions.recognizer} stays in service" if versions.recognizer.exists() else "nothing is in service yet"


@contextmanager
def naming_version_in_service(versions: Versions) -> Iterator[None]:
    """Add to each error, and to Ctrl-C, which version stays in service."""
    try:
        yield
    except FacesError as error:
        raise type(error)(f"{error}; {kept_in_service(versions)}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {kept_in_service(versions)}") from None
    except BrokenPipeError:  # the reader of stdout, such as head, has read enough
        raise
    except OSError as error:  # such as a stale handle of a network disk
        path = f"{error.filename}: " if error.filename else ""
        raise FacesError(f"{path}{reason_of(error)}; {kept_in_service(versions)}") from error


def _decide(versions: Versions, new: Version, verdict: Verdict, force: bool) -> Version:
    """Put a version in service if its check is good, else reject it, which raises RejectedError."""
    new = replace(new, why=verdict.why, check=verdict.check)
    if not verdict.good and not force:
        versions.record(replace(new, stage="rejected"))
        raise RejectedError(f"version {new.number} {_rejection(new)}")
    versions.record(new)
    versions.put_in_service(new.number)
    return replace(new, stage="in service")


def _rejection(version: Version) -> str:
    """Say that a version is rejected, why, and which option takes it."""
    if is_of_losses(version.check):
        return f"is rejected (--accept-losses takes it if the others are named as well as before): {version.why}"
    return f"is rejected (--force takes it): {version.why}"


def _trained_on(versions: Versions, gallery: Gallery, made_of: str) -> Version | None:
    """Return the version of the same training: the one in service, or the last, if it was rejected or rolled back."""
    current = versions.in_service()
    if current and not current.source and (old := _load(versions, current, gallery.fingerprint)):  # trained by hand
        current = replace(current, source=source(gallery_of(old), old.fpir, old.threshold, old.classifier))
    latest = (current, *versions.all()[-1:])
    return next((version for version in latest if version and version.source == made_of), None)


def _check(versions: Versions, new: Version, models: Fingerprint | None, options: Options) -> Verdict:
    """Compare a version with the one in service."""
    current = versions.in_service()
    if current is None:
        return Verdict(True, "the first version")
    candidate, old = _load(versions, new, models), _load(versions, current, models)
    if candidate is None:
        raise FacesError(f"version {new.number} cannot be read again")
    if old is None:
        before, now = (read_report(versions.path(version.number, REPORT)) for version in (current, new))
        return judge_reports(before, now, options.tolerance, options.accept_losses)
    return judge(old, candidate, options.tolerance, options.accept_losses)


def _load(versions: Versions, version: Version, models: Fingerprint | None) -> FaceRecognizer | None:
    """Return a version's recognizer; None when it cannot be read, or was not made by these models."""
    if models is None:
        return None
    recognizer_path, le_path = (versions.path(version.number, name) for name in (RECOGNIZER, LE))
    try:
        recognizer, _ = recognizer_files.load(recognizer_path, le_path, models)
    except (FingerprintError, PickleError):
        return None
    return recognizer if isinstance(recognizer, FaceRecognizer) and recognizer.fingerprint_ else None
