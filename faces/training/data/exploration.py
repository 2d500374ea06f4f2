"""Describe a data set before training: counts, plots, copies, contradictory labels, unusable files."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces import optional
from faces.files.writing import write_bytes
from faces.metrics.markdown import table
from faces.training.data.labelled import AGE, LabelledImages, digest
from faces.training.data.near_duplicates import Scan, scan
from faces.training.data.splits import group_numbers

MIN_SIDE = 32  # px; a smaller photograph shows too little of a face
LISTED = 20  # lines of a list in the Markdown file; the JSON file has all
DECADE = 10  # years
MAX_AGE_DIFFERENCE = 5  # years; copies whose ages differ more contradict each other
PLOT = "exploration.png"


@dataclass(frozen=True, slots=True)
class Exploration:
    """The findings about N labelled photographs.

    usable: bool (N,), readable and not tiny.
    left_out: files that cannot be used, and why.
    equal_files: number of files that equal another one.
    copies: groups of rows that look the same.
    contradicted: by target, the ``copies`` with different labels; for age, more than 5 years apart.
    """

    data: LabelledImages
    sha256: str
    usable: NDArray[np.bool_]
    left_out: tuple[tuple[Path, str], ...]
    equal_files: int
    copies: tuple[tuple[int, ...], ...]
    contradicted: dict[str, tuple[tuple[int, ...], ...]]


def explore(data: LabelledImages, folder: Path, log: Callable[[str], None] = lambda _: None) -> Exploration:
    """Read each photograph once; write exploration.md, .json and .png to ``folder``.

    Raises FacesError if a file cannot be written, and UsageError if Matplotlib is missing.
    """
    files = scan(data.paths, lambda done: log(f"{done:,} of {len(data):,} photographs read"))
    kept, usable = drop_unusable(data, files)
    copies = _rows_of_groups(group_numbers(data.paths, files.hashes))
    contradicted = {target: tuple(rows for rows in copies if _contradict(data, target, rows)) for target in data.labels}
    fingerprints = files.fingerprints[files.fingerprints != b""]
    exploration = Exploration(
        data=data,
        sha256=digest(data, files.fingerprints),
        usable=usable,
        left_out=kept.left_out,
        equal_files=len(fingerprints) - len(np.unique(fingerprints)),
        copies=copies,
        contradicted=contradicted,
    )
    facts = json.dumps(to_json(exploration), ensure_ascii=False, indent=1)
    write_bytes(folder / "exploration.json", facts.encode("utf-8", "backslashreplace") + b"\n")
    draw(data, folder / PLOT)
    write_bytes(folder / "exploration.md", markdown(exploration).encode("utf-8", "backslashreplace"))
    log(f"{folder / 'exploration.md'}: description of the data set")
    return exploration


def drop_unusable(data: LabelledImages, files: Scan) -> tuple[LabelledImages, NDArray[np.bool_]]:
    """Leave out the photographs that are unreadable or tiny.

    Return the others, with the reasons in ``left_out``, and a mask (N,) of them.
    """
    tiny = (files.sides > 0) & (files.sides < MIN_SIDE)
    reasons = {row: f"unreadable: {reason}" for row, reason in files.unreadable.items()}
    reasons |= {int(row): f"tiny: under {MIN_SIDE} px" for row in np.flatnonzero(tiny)}
    usable = ~np.isin(np.arange(len(data)), list(reasons))
    left_out = (*data.left_out, *((data.paths[row], reasons[row]) for row in sorted(reasons)))
    kept = data[usable]
    return replace(kept, left_out=left_out), usable


def _rows_of_groups(numbers: NDArray[np.intp]) -> tuple[tuple[int, ...], ...]:
    """Return the rows of each group of two or more."""
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return tuple(tuple(part.tolist()) for part in parts if len(part) > 1)


def _contradict(data: LabelledImages, target: str, rows: Sequence[int]) -> bool:
    copies = data[np.array(rows)]
    labels = copies.labels[target][copies.known(target)]
    return len(labels) > 1 and bool(np.ptp(labels) > (MAX_AGE_DIFFERENCE if target == AGE else 0))


def to_json(exploration: Exploration) -> dict[str, Any]:
    """Return the findings as ``json.dumps`` takes them."""
    data = exploration.data

    def files(copies: Iterable[Sequence[int]]) -> list[list[str]]:
        return [[str(data.paths[row]) for row in rows] for rows in copies]

    return {
        "photographs": len(data),
        "usable": int(exploration.usable.sum()),
        "data_sha256": exploration.sha256,
        "labels": {target: _counts(data, target) for target in data.labels},
        "made_by_augmentation": int(data.copies.sum()),
        "left_out": [{"file": str(path), "why": reason} for path, reason in exploration.left_out],
        "equal_files": exploration.equal_files,
        "copies": files(exploration.copies),
        "contradicted": {target: files(copies) for target, copies in exploration.contradicted.items()},
    }


def markdown(exploration: Exploration) -> str:
    """Return the findings as a Markdown page."""
    data = exploration.data
    parts = [
        "# Data set",
        f"{len(data):,} labelled photographs, {exploration.usable.sum():,} of them usable. SHA-256 of files and labels:"
        f" `{exploration.sha256}`.\n\n![Distribution of each label]({PLOT})",
    ]
    for target in data.labels:
        counts = _counts(data, target)
        rows = [(name, f"{count:,}", f"{count / len(data):.1%}") for name, count in counts.items()]
        parts.append(f"## {target}\n\n{table((target, 'photographs', 'share'), rows)}")
    reasons = Counter(reason for _, reason in exploration.left_out)
    parts.append("## Left out\n\n" + (_left_out(exploration, reasons) if reasons else "Nothing."))
    extra = sum(len(rows) - 1 for rows in exploration.copies)
    parts.append(
        f"## Copies\n\n{extra:,} photographs are copies: {exploration.equal_files:,} are equal files; the others look"
        f" the same, or are made by augmentation ({data.copies.sum():,}). They are kept; the split puts all copies of a"
        " photograph into the same part."
    )
    if any(exploration.contradicted.values()):
        parts += _contradictions(exploration)
    return "\n\n".join(parts) + "\n"


def _contradictions(exploration: Exploration) -> list[str]:
    counts = [(target, f"{len(copies):,}") for target, copies in exploration.contradicted.items()]
    parts = [
        f"Some of the {len(exploration.copies):,} photographs with copies have different labels (ages: more than"
        f" {MAX_AGE_DIFFERENCE} years apart), which no model can predict:\n\n" + table(("label", "pictures"), counts)
    ]
    for target, copies in exploration.contradicted.items():
        lines = [", ".join(exploration.data.paths[row].name for row in rows) for rows in copies]
        parts += [f"{target}:\n\n{_listed(lines)}"] if lines else []
    return parts


def _left_out(exploration: Exploration, reasons: Counter[str]) -> str:
    rows = [(reason, f"{count:,}") for reason, count in reasons.most_common()]
    lines = [f"{path}: {reason}" for path, reason in exploration.left_out]
    return f"{table(('why', 'files'), rows)}\n\n{_listed(lines)}"


def _listed(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return "\n".join(f"- {line}" for line in [*lines[:LISTED], *more])


def _counts(data: LabelledImages, target: str) -> dict[str, int]:
    """Return the photographs of each class or decade, and those without a label."""
    known = data.known(target)
    if target == AGE:
        decades = np.bincount((data.labels[AGE][known] // DECADE).astype(np.intp))
        counts = {
            f"{decade * DECADE}-{decade * DECADE + DECADE - 1}": count for decade, count in enumerate(decades.tolist())
        }
    else:
        counts = data.counts(target)
    unknown = int((~known).sum())
    return counts | ({"unknown": unknown} if unknown else {})


def draw(data: LabelledImages, path: Path) -> None:
    """Write a PNG with a histogram of each label. Raises UsageError if Matplotlib is missing."""
    figures = optional.require("matplotlib.figure", "plots", "train")
    figure = figures.Figure(figsize=(5 * len(data.labels), 4), layout="constrained")
    panels = figure.subplots(1, len(data.labels), squeeze=False)[0]
    for panel, (target, labels) in zip(panels, data.labels.items(), strict=True):
        if target == AGE:
            panel.hist(labels[data.known(AGE)], bins=np.arange(0, 121, 5))
            panel.set_xlabel("years")
        else:
            counts = data.counts(target)
            panel.bar(list(counts), list(counts.values()))
            panel.tick_params(axis="x", rotation=90 if len(counts) > 8 else 30)
        panel.set_title(target)
        panel.set_ylabel("photographs")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    write_bytes(path, file.getvalue())
