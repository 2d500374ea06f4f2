"""Open-set identification: name the enrolled people, reject strangers.

Terms as in NIST's FRTE 1:N (NISTIR 8271). TPIR: share of the probes whose person is the closest and within the
threshold. FPIR: share of the strangers within the threshold of anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faces.evaluation.figures.curves import at_rate, curve
from faces.evaluation.figures.results import (
    FPIRS,
    RANKS,
    Confusion,
    Identification,
    Mistake,
    PersonScore,
    Search,
)
from faces.evaluation.figures.shares import Numbers, Repeated, Share
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.search import search_gallery, train_recognizer
from faces.evaluation.searches.trials import Trial
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

CMC_RANKS = 20
CONFUSED_PEOPLE = 20
MAX_MISTAKES = 24


def identify(
    name: str,
    trials: Sequence[Trial],
    photographs: Photographs,
    fpir: float = 0.01,
    recognizer: FaceRecognizer | None = None,
    skip_missing: bool = False,
    seconds: float | None = None,
    threshold: float | None = None,
) -> Identification:
    """Evaluate how well probes are identified and strangers rejected.

    trials: at least one.
    fpir, threshold: of the recognizers that are trained on the trials' galleries.
    recognizer: a trained one to use instead.
    skip_missing: leave out probes without a face; otherwise each is an error.
    seconds: per photograph, for the result.

    Raises FacesError if no photograph of a gallery has a face, or no probe.
    """
    searches = []
    for trial in trials:
        known = recognizer or train_recognizer(trial, photographs, fpir, threshold)
        searches.append(search_gallery(known, trial, photographs, skip_missing))
    accepting = [_accepting_distance(each) for each in searches]
    answers = [_answers(each) for each in searches]
    right, wrong, unknown = (Repeated(each) for each in zip(*answers, strict=True))
    enrolled = {person for each in searches for person in each.people}
    return Identification(
        name=name,
        searches=tuple(searches),
        fpir=recognizer.fpir if recognizer else fpir,
        ranks=tuple(
            Repeated(tuple(Share.by_person(each.rank < rank, each.truth) for each in searches)) for rank in RANKS
        ),
        tpir=tuple(
            tuple(
                at_rate(each.stranger_distance, genuine, rate, each.truth)
                for each, genuine in zip(searches, accepting, strict=True)
            )
            for rate in FPIRS
        ),
        right=right,
        wrong=wrong,
        unknown=unknown,
        strangers_named=Repeated(tuple(_strangers_named(each) for each in searches)),
        persons=_persons(searches),
        confusion=_confusion(searches),
        cmc=_cmc(searches),
        curve=curve(np.concatenate([each.stranger_distance for each in searches]), np.concatenate(accepting)),
        no_face=photographs.without_face(path for trial in trials for path in trial.paths),
        unenrolled=tuple(sorted({person for trial in trials for person, _ in trial.probes} - enrolled)),
        skipped=skip_missing,
        mistakes=_mistakes(searches, photographs),
        fingerprint=photographs.fingerprint,
        seconds=seconds,
    )


def _strangers_named(search: Search) -> Share:
    """Return the share of the strangers who get a name."""
    named = np.array([name is not None for name in search.stranger_named], np.bool_)
    return Share.by_person(named, search.stranger_shown)


def _accepting_distance(search: Search) -> Floats:
    """Return the threshold from which on each probe is identified, (N,); inf if somebody else is closer."""
    return np.where(search.rank == 0, search.genuine, np.float32(np.inf))


def _answers(search: Search) -> tuple[Share, Share, Share]:
    """Return the shares of the probes that get the right name, a wrong name, and no name."""
    named = zip(search.named, search.truth, strict=True)
    right = np.array([name == person for name, person in named], np.bool_)
    unknown = np.array([name is None for name in search.named], np.bool_)
    right_, wrong, unknown_ = (Share.by_person(each, search.truth) for each in (right, ~right & ~unknown, unknown))
    return right_, wrong, unknown_


def _cmc(searches: Sequence[Search]) -> Numbers:
    ranks = min([CMC_RANKS, *(len(search.people) for search in searches)])
    each = [[float((search.rank < rank).mean()) for rank in range(1, ranks + 1)] for search in searches]
    return np.asarray(np.mean(each, axis=0), np.float64)


def _persons(searches: Sequence[Search]) -> tuple[PersonScore, ...]:
    recalled: dict[str, list[tuple[Path, bool]]] = {}
    given: dict[str, list[tuple[Path, bool]]] = {}
    for search in searches:
        for path, person, name in zip(search.probes, search.truth, search.named, strict=True):
            recalled.setdefault(person, []).append((path, name == person))
            if name is not None:
                given.setdefault(name, []).append((path, name == person))
        without_held_out = len(search.strangers) - search.held_out
        for path, name in zip(search.strangers[:without_held_out], search.stranger_named, strict=False):
            if name is not None:
                given.setdefault(name, []).append((path, False))
    return tuple(
        PersonScore(person, _by_photograph(recalled[person]), _by_photograph(given.get(person, [])))
        for person in sorted(recalled)
    )


def _by_photograph(cases: Sequence[tuple[Path, bool]]) -> Share:
    """Return the share of cases that are right; a photograph in several splits counts once for the interval."""
    value = float(np.mean([right for _, right in cases])) if cases else float("nan")
    return Share.estimated(value, len(cases), len({path for path, _ in cases}))


def _confusion(searches: Sequence[Search]) -> Confusion:
    """Return the answers for the people with errors, those with the most first."""
    answers = Counter(pair for search in searches for pair in zip(search.truth, search.named, strict=True))
    errors = Counter[str]()
    for (person, name), count in answers.items():
        errors[person] += count if name != person else 0
    ordered = sorted(errors.items(), key=lambda item: (-item[1], item[0]))
    people = [person for person, count in ordered if count][:CONFUSED_PEOPLE]
    column = {person: k for k, person in enumerate(people)}
    counts = np.zeros((len(people), len(people) + 2), np.intp)
    for (person, name), count in answers.items():
        if person in column:
            counts[column[person], len(people) + 1 if name is None else column.get(name, len(people))] += count
    return Confusion(tuple(people), counts)


def _mistakes(searches: Sequence[Search], photographs: Photographs) -> tuple[Mistake, ...]:
    """Return the errors farthest from the threshold, without duplicates over splits. Missing faces come last."""
    errors = []
    for search in searches:
        for description, path, person, distance in _errors(search):
            beyond = abs(distance - search.threshold) if np.isfinite(distance) else -1.0
            errors.append((beyond, description, path, person, distance, search))
    worst: dict[tuple[str, Path], Mistake] = {}
    for _, description, path, person, distance, search in sorted(errors, key=lambda error: -error[0]):
        if len(worst) < MAX_MISTAKES and (description, path) not in worst:
            worst[description, path] = Mistake(
                description, path, _closest_enrolled(search, photographs, path, person), distance
            )
    return tuple(worst.values())


def _errors(search: Search) -> Iterator[tuple[str, Path, str, float]]:
    """Yield a description, the photograph, the enrolled person to show beside it, and the distance to that person."""
    probes = zip(
        search.probes, search.truth, search.named, search.distance.tolist(), search.genuine.tolist(), strict=True
    )
    for path, person, name, distance, genuine in probes:
        if name is None:
            description = f"{person}, not recognized" if np.isfinite(distance) else f"{person}, no face found"
            yield description, path, person, genuine
        elif name != person:
            yield f"{person}, named {name}", path, name, distance
    strangers = zip(search.strangers, search.stranger_named, search.stranger_distance.tolist(), strict=True)
    for path, name, distance in strangers:
        if name is not None:
            yield f"a stranger, named {name}", path, name, distance


def _closest_enrolled(search: Search, photographs: Photographs, path: Path, person: str) -> Path | None:
    """Return the person's enrolled photograph that is closest to another photograph; None if there is none."""
    if not search.enrolled or person not in search.people:
        return None
    rows = np.flatnonzero(search.owner == search.people.index(person))
    embedding = photographs.embeddings[photographs.rows([path])[0]]
    distance: Floats = np.linalg.norm(search.embeddings[rows] - embedding, axis=1)
    return search.enrolled[int(rows[np.where(np.isnan(distance), np.inf, distance).argmin()])]
