"""Train a recognizer on an embeddings file: ``train_recognizer``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from faces.files.identity import identity
from faces.files.writing import check_writable, require_distinct
from faces.recognition import classifiers, leave_one_out, recognizer_files
from faces.recognition.crowd import ENOUGH_PEOPLE
from faces.recognition.gallery import NO_NEED, UNKNOWN, Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.report import TrainingReport
from faces.recognition.thresholds import Threshold
from faces.records import Recorder

REPORT = "training_report.json"
"""The report's file, beside the recognizer."""


@dataclass(frozen=True, slots=True)
class Training:
    """What ``train_recognizer`` did.

    gallery: the faces that the recognizer was trained on.
    report: how good the gallery and the threshold are.
    """

    recognizer: FaceRecognizer
    gallery: Gallery
    report: TrainingReport

    @property
    def threshold(self) -> Threshold:
        """The distance beyond which a face is unknown, and where it comes from."""
        return self.recognizer.threshold_

    @property
    def has_few_people(self) -> bool:
        """Whether the threshold is derived from so few people that it may be too loose for people who look alike."""
        return self.recognizer.threshold is None and len(self.recognizer.names_) < ENOUGH_PEOPLE


def train_recognizer(
    embeddings: str | Path = "output/embeddings.pickle",
    recognizer: str | Path = "output/recognizer.pickle",
    le: str | Path = "output/le.pickle",
    *,
    fpir: float = 0.01,
    threshold: float | None = None,
    classifier: str = "auto",
    warn: Callable[[str], object] = warnings.warn,
    recording: AbstractContextManager[Recorder] | None = None,
) -> Training:
    """Train a recognizer on an embeddings file and write it, its label encoder and its report.

    embeddings: the file that ``update_embeddings`` writes, or the recipe's.
    recognizer, le: the files to write; ``training_report.json`` is written beside the recognizer.
    fpir, threshold, classifier: as for ``FaceRecognizer``.
    warn: called with each warning.
    recording: entered while the work goes on; its recorder gets the models, files and figures.
    Raises PickleError for a file without embeddings, FacesError when there are too few to train on or a file cannot be
    written, and KeyboardInterrupt, which says which files are new by then.
    """
    embeddings, recognizer, le = Path(embeddings), Path(recognizer), Path(le)
    report_path = recognizer.with_name(REPORT)
    require_distinct(embeddings, recognizer, le, report_path)
    for path in (recognizer, le, report_path):
        check_writable(path)
    with _naming_new_files(recognizer, le, report_path), recording or nullcontext() as recorder:
        gallery = _people(embeddings, warn)
        if recorder:
            recorder.input(embeddings)
            recorder.models(gallery.fingerprint)
            recorder.data(gallery.manifest())
        if classifier == "svc" and classifiers.choose(len(gallery), len(gallery.people)) != "svc":
            warn("an SVC of so many photographs and people takes long to train; --classifier centroid does not")
        trained = FaceRecognizer(fpir, threshold, classifier).fit(gallery)
        if gallery.fingerprint is None:
            warn(f"{embeddings} does not say which models made it (the recipe's do not); they are not checked")
        recognizer_files.save(trained, recognizer, le)
        if recorder:  # before the report: it takes a while, and Ctrl-C may stop it
            recorder.artefact(recognizer)
            recorder.artefact(le)
        report = leave_one_out.measure(gallery, trained)
        report.save(report_path)
        if recorder:
            recorder.artefact(report_path)
            _record(report, recorder)
    return Training(trained, gallery, report)


def _people(embeddings: Path, warn: Callable[[str], object]) -> Gallery:
    """Return the gallery of a file without the faces of strangers."""
    everyone = Gallery.load(embeddings)
    gallery = everyone.of_people()
    if strangers := len(everyone) - len(gallery):
        count = "1 embedding" if strangers == 1 else f"{strangers} embeddings"
        warn(f"{embeddings}: {count} of {UNKNOWN} left out; {NO_NEED}")
    return gallery


def _record(report: TrainingReport, recorder: Recorder) -> None:
    recorder.figure("threshold", report.threshold)
    recorder.figure("held_out", report.left_out)  # an extraction's "left out" are photographs without a face
    for name in ("right", "wrong", "unknown"):
        recorder.figure(name, getattr(report, name))


@contextmanager
def _naming_new_files(*files: Path) -> Iterator[None]:
    """Let Ctrl-C name the files that are new by then: they are written one after the other."""
    before = [identity(path) for path in files]
    try:
        yield
    except KeyboardInterrupt:
        new = [str(path) for path, old in zip(files, before, strict=True) if identity(path) != old]
        if not new:
            raise
        raise KeyboardInterrupt(f"stopped; new by then: {', '.join(new)}; everything else is unchanged") from None
