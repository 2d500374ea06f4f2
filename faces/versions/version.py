"""A version of the recognizer: its record, and the report of its training."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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


def counts(report: Path) -> tuple[int | None, int | None]:
    """Return the numbers of people and photographs in a training report; None without one."""
    content = read_report(report)
    return content.get("people"), content.get("photographs")


def read_report(path: Path) -> dict[str, Any]:
    """Read a training report; empty without one."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def label(recognizer: Path) -> str:
    """Return ``version 4`` for a recognizer in service, or its path if it is not a version."""
    folder = recognizer.resolve().parent
    return f"version {folder.name}" if folder.parent.name == "versions" and folder.name.isdecimal() else str(recognizer)
