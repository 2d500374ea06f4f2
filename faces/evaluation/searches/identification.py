"""Who is this, or nobody of those enrolled? Figures of open-set identification.

Terms as in NIST's FRTE 1:N (NISTIR 8271): TPIR is the share of probes whose person is the closest, and close enough;
FPIR the share of strangers who are close enough to anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faces.evaluation.figures import results
from faces.evaluation.figures.curves import at_rate, curve
from faces.evaluation.figures.results import (
    Confusion,
    Flags,
    Identification,
    Mistake,
    Numbers,
    PersonScore,
    Repeated,
    Search,
    Share,
)
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches import search
from faces.evaluation.searches.trials import Trial
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

CMC = 20  # ranks
WORST = 20  # people in the confusion
SHOWN = 24  # mistakes


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
    """How well probes are told from each other, and from strangers. Of at least one trial.

    fpir, threshold: of the recognizers that are trained on the trials' galleries. recognizer: one that is trained.
    skip_missing: leave out probes without a face; otherwise each is an error.
    Raises FacesError when there is no face in the gallery, or in any probe.
    """
    found = []
    for trial in trials:
        known = recognizer or search.trained(trial, photographs, fpir, threshold)
        found.append(search.search(known, trial, photographs, skip_missing))
    passing, told = [_passing(one) for one in found], [_told(one) for one in found]
    right, wrong, unknown = (Repeated(tuple(Share.of(each[k], sum(each)) for each in told)) for k in range(3))
    enrolled = {who for one in found for who in one.people}
    return Identification(
        name,
        tuple(found),
        recognizer.fpir if recognizer else fpir,
        tuple(Repeated(tuple(_share(one.rank < rank) for one in found)) for rank in results.RANKS),
        tuple(
            tuple(at_rate(one.stranger_distance, mine, rate) for one, mine in zip(found, passing, strict=True))
            for rate in results.FPIRS
        ),
        right,
        wrong,
        unknown,
        Repeated(tuple(_share([who is not None for who in one.stranger_said]) for one in found)),
        _persons(found),
        _confusion(found),
        _cmc(found),
        curve(np.concatenate([one.stranger_distance for one in found]), np.concatenate(passing)),
        photographs.without_face(path for trial in trials for path in trial.paths),
        tuple(sorted({who for trial in trials for who, _ in trial.probes} - enrolled)),
        skip_missing,
        _mistakes(found, photographs),
        photographs.fingerprint,
        seconds,
    )


def _share(cases: Sequence[bool] | Flags) -> Share:
    return Share.of(int(np.sum(cases)), len(cases))


def _passing(found: Search) -> Floats:
    """(N,): the distance from which on each probe is identified; inf where somebody else is closer."""
    return np.where(found.rank == 0, found.genuine, np.float32(np.inf))


def _told(found: Search) -> tuple[int, int, int]:
    """How many probes are named right, named wrong, and called unknown."""
    right = sum(said == who for said, who in zip(found.said, found.truth, strict=True))
    unknown = sum(said is None for said in found.said)
    return right, len(found.said) - right - unknown, unknown


def _cmc(searches: Sequence[Search]) -> Numbers:
    ranks = min([CMC, *(len(found.people) for found in searches)])
    each = [[float((found.rank < rank).mean()) for rank in range(1, ranks + 1)] for found in searches]
    return np.asarray(np.mean(each, axis=0), np.float64)


def _persons(searches: Sequence[Search]) -> tuple[PersonScore, ...]:
    probes, right, named = Counter[str](), Counter[str](), Counter[str]()
    for found in searches:
        probes.update(found.truth)
        right.update(who for who, said in zip(found.truth, found.said, strict=True) if said == who)
        truly_strangers = found.stranger_said[: len(found.strangers) - found.held_out]
        named.update(said for said in (*found.said, *truly_strangers) if said is not None)
    return tuple(
        PersonScore(who, Share.of(right[who], probes[who]), Share.of(right[who], named[who])) for who in sorted(probes)
    )


def _confusion(searches: Sequence[Search]) -> Confusion:
    """Of those with errors, the most first."""
    said = Counter((who, name) for found in searches for who, name in zip(found.truth, found.said, strict=True))
    errors = Counter[str]()
    for (who, name), count in said.items():
        errors[who] += count if name != who else 0
    people = [who for who, count in sorted(errors.items(), key=lambda one: (-one[1], one[0])) if count][:WORST]
    column = {name: k for k, name in enumerate(people)}
    counts = np.zeros((len(people), len(people) + 2), np.intp)
    for (who, name), count in said.items():
        if who in column:
            counts[column[who], len(people) + 1 if name is None else column.get(name, len(people))] += count
    return Confusion(tuple(people), counts)


def _mistakes(searches: Sequence[Search], photographs: Photographs) -> tuple[Mistake, ...]:
    """The errors that are farthest from the threshold; faces not found come last. Each once, of however many splits."""
    errors = []
    for found in searches:
        for what, path, whom, distance in _errors(found):
            beyond = abs(distance - found.threshold) if np.isfinite(distance) else -1.0
            errors.append((beyond, what, path, whom, distance, found))
    worst: dict[tuple[str, Path], Mistake] = {}
    for _, what, path, whom, distance, found in sorted(errors, key=lambda each: -each[0]):
        if len(worst) < SHOWN and (what, path) not in worst:
            worst[what, path] = Mistake(what, path, _closest_photograph(found, photographs, path, whom), distance)
    return tuple(worst.values())


def _errors(found: Search) -> Iterator[tuple[str, Path, str, float]]:
    """What was wrong, the photograph, whose enrolled photograph to show beside it, and the distance to them."""
    probes = zip(found.probes, found.truth, found.said, found.distance.tolist(), found.genuine.tolist(), strict=True)
    for path, who, said, distance, genuine in probes:
        if said is None:
            yield (f"{who}, not known" if np.isfinite(distance) else f"{who}, no face found"), path, who, genuine
        elif said != who:
            yield f"{who}, taken for {said}", path, said, distance
    for path, said, distance in zip(
        found.strangers, found.stranger_said, found.stranger_distance.tolist(), strict=True
    ):
        if said is not None:
            yield f"a stranger, taken for {said}", path, said, distance


def _closest_photograph(found: Search, photographs: Photographs, path: Path, whom: str) -> Path | None:
    """Of a person's photographs that are enrolled, the one that a photograph is closest to."""
    if not found.enrolled or whom not in found.people:
        return None
    rows = np.flatnonzero(found.owner == found.people.index(whom))
    apart: Floats = np.linalg.norm(found.embeddings[rows] - photographs.embeddings[photographs.rows([path])[0]], axis=1)
    return found.enrolled[int(rows[np.where(np.isnan(apart), np.inf, apart).argmin()])]
