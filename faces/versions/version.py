"""A version of the recognizer: its record, and the report of its training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

from faces.files import typed_json

Stage = Literal["candidate", "in service", "retired", "rejected"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version, as its ``version.json`` describes it.

    number: versions are ordered by it.
    time: UTC, ISO 8601.
    why: what decided its stage.
    people, photographs: their numbers; None if unknown.
    source: see ``faces.versions.judging.source``; "" if unknown.
    replaces: the version that was in service before it.
    check: the figures that it was judged by.
    run: id of the training's record (``faces.records``); "" without one.
    waits: a candidate to be kept until somebody decides; if False, an unfinished run left it.
    """

    number: int
    time: str
    stage: Stage
    why: str = ""
    people: int | None = None
    photographs: int | None = None
    source: str = ""
    replaces: int | None = None
    check: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    waits: bool = False


class Report(TypedDict, total=False):
    """What versions are compared by in a training report."""

    people: int
    photographs: int
    left_out: int
    right: int
    wrong: int
    unknown: int


def counts(report: Path) -> tuple[int | None, int | None]:
    """Return the numbers of people and photographs in a training report; None without one."""
    content = read_report(report)
    return content.get("people"), content.get("photographs")


def read_report(path: Path) -> Report:
    """Read a training report; empty without one, or if it is damaged."""
    try:
        return typed_json.parse(path.read_bytes(), Report)
    except (OSError, ValueError):
        return {}


def label(recognizer: Path) -> str:
    """Return ``version 4`` for a recognizer in service, or its path if it is not a version."""
    folder = recognizer.resolve().parent
    return f"version {folder.name}" if folder.parent.name == "versions" and folder.name.isdecimal() else str(recognizer)
