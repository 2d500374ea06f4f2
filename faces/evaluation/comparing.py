"""Several candidates beside each other, on the same photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from faces.errors import FacesError
from faces.evaluation import photographs
from faces.evaluation.candidates import Candidate
from faces.evaluation.photographs import Photographs
from faces.evaluation.results import Identification, Verification
from faces.tasks import Models

Result = TypeVar("Result", Verification, Identification)


@dataclass(frozen=True)
class Evaluated(Generic[Result]):
    """A candidate's result, and what it saw."""

    candidate: Candidate
    seen: Photographs
    result: Result


def compare(
    candidates: Sequence[Candidate], look: Callable[[Models], Photographs],
    evaluate: Callable[[Candidate, Photographs, float | None], Result], complain: Callable[[str], object],
    timed: bool,
) -> list[Evaluated[Result]]:  # fmt: skip
    """Each one's, but for those that fail; ``complain`` is told of them. timed: measure the time of a photograph.

    Raises FacesError when there is one alone and it fails, or all do.
    """
    found: list[Evaluated[Result]] = []
    seen: dict[Models, tuple[Photographs, float | None]] = {}
    for candidate in candidates:
        try:
            if candidate.models not in seen:
                looked = look(candidate.models)
                seen[candidate.models] = looked, photographs.seconds(looked, candidate.models) if timed else None
            result = evaluate(candidate, *seen[candidate.models])
            found.append(Evaluated(candidate, seen[candidate.models][0], result))
        except FacesError as error:
            if len(candidates) == 1:
                raise
            complain(str(error) if candidate.name in str(error) else f"{candidate.name}: {error}")
    if not found:
        raise FacesError("none of them could be evaluated")
    return found
