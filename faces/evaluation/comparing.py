"""Several candidates beside each other, on the same photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from faces.errors import FacesError
from faces.evaluation import photographs
from faces.evaluation.candidates import Candidate
from faces.evaluation.photographs import Photographs
from faces.evaluation.results import Identification, Verification
from faces.tasks import Models

Result = TypeVar("Result", Verification, Identification)


def compare(
    candidates: Sequence[Candidate], look: Callable[[Models], Photographs],
    evaluate: Callable[[Candidate, Photographs, float | None], Result], complain: Callable[[str], object],
) -> list[Result]:  # fmt: skip
    """Each one's result, but for those that fail, of whom ``complain`` is told. Of one alone no time is measured.

    look: at the photographs with some models. evaluate: what they saw, with the seconds for a photograph.
    Raises FacesError when there is one alone and it fails, or all do.
    """
    alone, found = len(candidates) == 1, list[Result]()
    seen: dict[Models, tuple[Photographs, float | None]] = {}
    for candidate in candidates:
        models = candidate.models
        try:
            if models not in seen:
                looked = look(models)
                seen[models] = looked, None if alone else photographs.seconds(looked, models)
            found.append(evaluate(candidate, *seen[models]))
        except FacesError as error:
            if alone:
                raise
            complain(str(error) if candidate.name in str(error) else f"{candidate.name}: {error}")
    if not found:
        raise FacesError("none of them could be evaluated")
    return found
