"""Evaluate candidates on the same photographs, and record what was used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.errors import UsageError
from faces.evaluation import candidates
from faces.evaluation.breakdowns import Breakdowns, ProgressBar
from faces.evaluation.candidates import Candidate
from faces.evaluation.figures import tables
from faces.evaluation.figures.operating_points import (
    MeasuredPoints,
    measure_impostors,
    measure_points,
    others_in,
    people_in,
)
from faces.evaluation.figures.results import Identification, Results, Verification
from faces.evaluation.photographs import Photographs, embed_photographs
from faces.evaluation.searches import pairs, trials
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.trials import Trial
from faces.evaluation.searches.verification import verify
from faces.extraction.workers import Models
from faces.model_choice import Named, choose
from faces.pipeline import Pipeline
from faces.recognition.impostors import impostors_of, own_file
from faces.records import Manifest, Recorder
from faces.types import Fingerprint
from faces.versions.versions import RECOGNIZER


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of the candidates, and a page for a terminal.

    complete: whether every candidate could be evaluated.
    """

    results: Results
    page: tables.Page
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationSettings:
    """The photographs of an identification, and how the recognizers are trained.

    gallery, probes, strangers: folders, or None.
    enrol, splits, seed: how ``Evaluator.images`` is split, if there is no gallery.
    fpir, threshold: as in ``FaceRecognizer``.
    """

    gallery: Path | None
    probes: Path | None
    strangers: Path | None
    enrol: int
    splits: int
    seed: int
    fpir: float
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Evaluates models and recognizers.

    named: detector, embedder and accuracy; None for what is not named.
    confidence: least score of a face; None for the detector's own.
    compare: values of ``--compare``; empty for the models alone.
    images: folder of the photographs, or None.
    skip_missing: leave out faces that were not found, instead of counting them as errors.
    processes: number of worker processes.
    record: of the run.
    progress_bar: shows how many photographs are done.
    warn, report_error: take a message.
    """

    named: Named
    confidence: float | None
    compare: Sequence[str]
    images: Path | None
    skip_missing: bool
    processes: int
    record: Recorder
    progress_bar: ProgressBar
    warn: Callable[[str], object]
    report_error: Callable[[str], object]

    @property
    def models(self) -> Models:
        """Return the models that are named, else the built-in ones."""
        chosen = choose(**self.named)
        return chosen.detector, chosen.embedding_model, self.confidence, chosen.accuracy

    def verification(self, pairs_file: Path, breakdowns: Breakdowns) -> Outcome:
        """Evaluate the pairs in a file. Raises FacesError if no candidate can be evaluated."""
        wanted = pairs.read(pairs_file, self.images)
        self.record.input(pairs_file)

        def evaluate(candidate: Candidate, photographs: Photographs, seconds: float | None) -> Verification:
            result = verify(candidate.name, wanted, photographs, self.skip_missing, seconds)
            breakdowns.add_verification(result, wanted, photographs, candidate.models)
            return result

        chosen = self._with_notes(candidates.parse_models(self.compare, self.models, self.named))
        paths = (*wanted.first, *wanted.second)
        results = candidates.evaluate_each(
            chosen, lambda models: self.embed(paths, models), evaluate, self.report_error
        )
        page = tables.compared_verifications(results) if self.compare else tables.verification(results[0])
        return Outcome(results, page, len(results) == len(chosen))

    def identification(self, settings: IdentificationSettings, breakdowns: Breakdowns) -> Outcome:
        """Search galleries for probes and strangers. Raises FacesError if no candidate can be evaluated."""
        chosen = self._with_notes(candidates.parse_all(self.compare, self.models, self.named))
        to_train, paths = self._trials(chosen, settings)

        def evaluate(candidate: Candidate, photographs: Photographs, seconds: float | None) -> Identification:
            searched, recognizer, training_hashes = to_train, None, frozenset[str]()
            if candidate.recognizer:
                recognizer = candidates.load_recognizer(candidate.recognizer, photographs.fingerprint)
                self.record.input(candidate.recognizer / RECOGNIZER)
                assert settings.probes is not None  # checked by ``_trials``
                people = set(recognizer.names_.tolist())
                searched = [trials.for_recognizer(people, settings.probes, settings.strangers)]
                training_hashes = candidates.training_hashes(candidate.recognizer)
            hashes = dict(zip(photographs.paths, photographs.hashes, strict=True))
            if copies := trials.describe_copies(searched, hashes, training_hashes):
                self.warn(copies)
            result = identify(
                candidate.name,
                searched,
                photographs,
                settings.fpir,
                recognizer,
                self.skip_missing,
                seconds,
                settings.threshold,
            )
            breakdowns.add_identification(result, searched, photographs, candidate.models, recognizer)
            return result

        results = candidates.evaluate_each(
            chosen, lambda models: self.embed(paths, models), evaluate, self.report_error
        )
        page = tables.compared_identifications(results) if self.compare else tables.identification(results[0])
        return Outcome(results, page, len(results) == len(chosen))

    def operating_points(
        self, images: Path, without: Path | None, pairs_file: Path | None, centroids: Path | None = None
    ) -> tuple[MeasuredPoints, Fingerprint, Path | None]:
        """Measure an embedder's operating points on all pairs of people in a folder.

        without: folder of people to leave out.
        pairs_file: its pairs of the same person give the true accept rates.
        centroids: folder of photographs of other people, of whom centroids are made. How similar different people are
            in which neighbourhood is then measured, too, and kept for this embedder's galleries, in the file returned.

        Raises UsageError if there are too few pairs or people, or for centroids of an embedder whose measurements come
        with the package.
        """
        others = []
        if centroids:
            name = Pipeline.load(*self.models).fingerprint.embedder.name
            if impostors_of(name):
                raise UsageError(f"--centroids: the measurements of {name} come with the package")
            others = others_in(centroids)
        people = people_in(images, without)
        same_pairs = pairs.read(pairs_file, images) if pairs_file else None
        if pairs_file:
            self.record.input(pairs_file)
        photographs = self.embed([path for paths in people.values() for path in paths], self.models)
        measured = measure_points(people, photographs, same_pairs)
        self.record.models(photographs.fingerprint)
        if not others:
            return measured, photographs.fingerprint, None
        neighbours = self.embed(others, self.models)
        path = own_file(photographs.fingerprint.embedder)
        measure_impostors(people, photographs, neighbours.embeddings[neighbours.has_face]).save(path)
        return measured, photographs.fingerprint, path

    def _with_notes(self, chosen: list[Candidate]) -> list[Candidate]:
        """Return the candidates after their notes are told."""
        for note in dict.fromkeys(candidate.note for candidate in chosen if candidate.note):
            self.warn(note)
        return chosen

    def embed(self, paths: Sequence[Path], models: Models) -> Photographs:
        """Embed photographs, warn of unreadable ones, and record all of them."""
        with self.progress_bar("") as progress:
            photographs = embed_photographs(paths, models, self.processes, progress)
        if unreadable := photographs.unreadable():
            self.warn(unreadable)
        self.record.data(Manifest.of_files(photographs.paths, photographs.hashes, self.images or Path()))
        return photographs

    def _trials(self, chosen: Sequence[Candidate], settings: IdentificationSettings) -> tuple[list[Trial], list[Path]]:
        """Return the trials that recognizers are trained for, and the photographs of all candidates."""
        to_train, paths = list[Trial](), list[Path]()
        if any(candidate.recognizer is None for candidate in chosen):
            to_train, warning = trials.make_trials(
                self.images,
                settings.gallery,
                settings.probes,
                settings.strangers,
                settings.enrol,
                settings.splits,
                settings.seed,
            )
            paths += [path for trial in to_train for path in trial.paths]
            if warning:
                self.warn(warning)
        if any(candidate.recognizer for candidate in chosen):
            paths += trials.recognizer_photographs(settings.probes, settings.strangers)
        return to_train, paths
