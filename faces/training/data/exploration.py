"""What is in a data set, before anything is trained on it: counts, pictures of them, and what is wrong with it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.metrics.markdown import table
from faces.training.data.labelled import AGE, Labelled, digest
from faces.training.data.near_duplicates import Looks, look
from faces.training.data.splits import groups

TINY = 32  # px: in fewer, a face shows too little
ROWS = 20  # of a list in the Markdown; the JSON has all
DECADE = 10  # years
PICTURE = "exploration.png"


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was found in N labelled photographs.

    usable: bool (N,), readable and not tiny. left_out: files, and why. copies: rows that look alike, each tuple one
    picture. contradicted: of each target, those of ``copies`` that have different labels; of age, more than 5 years.
    """

    data: Labelled
    sha256: str
    usable: NDArray[np.bool_]
    left_out: tuple[tuple[Path, str], ...]
    equal_files: int
    copies: tuple[tuple[int, ...], ...]
    contradicted: dict[str, tuple[tuple[int, ...], ...]]


def explore(data: Labelled, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Exploration:
    """Read every photograph once and write exploration.md, .json and .png. Raises FacesError."""
    looks = look(data.paths, lambda done: tell(f"{done:,} of {len(data):,} photographs read"))
    kept, usable = clean(data, looks)
    copies = _together(groups(data.paths, looks.hashes))
    contradicted = {target: tuple(c for c in copies if _contradicts(data, target, c)) for target in data.labels}
    files = looks.fingerprints[looks.fingerprints != b""]
    found = Exploration(
        data,
        digest(data, looks.fingerprints),
        usable,
        kept.left_out,
        len(files) - len(np.unique(files)),
        copies,
        contradicted,
    )
    text, facts = markdown(found), json.dumps(to_json(found), ensure_ascii=False, indent=1)
    write_bytes(folder / "exploration.json", facts.encode("utf-8", "backslashreplace") + b"\n")
    draw(data, folder / PICTURE)
    write_bytes(folder / "exploration.md", text.encode("utf-8", "backslashreplace"))
    tell(f"{folder / 'exploration.md'}: what is in the data set")
    return found


def clean(data: Labelled, looks: Looks) -> tuple[Labelled, NDArray[np.bool_]]:
    """Without what cannot be read or is tiny, which joins ``left_out``; and the mask (N,) of what stays."""
    tiny = (looks.sides > 0) & (looks.sides < TINY)
    bad = {row: f"unreadable: {why}" for row, why in looks.unreadable.items()}
    bad |= {int(row): f"tiny: under {TINY} px" for row in np.flatnonzero(tiny)}
    usable = ~np.isin(np.arange(len(data)), list(bad))
    left_out = (*data.left_out, *((data.paths[row], bad[row]) for row in sorted(bad)))
    kept = data[usable]
    return Labelled(kept.paths, kept.labels, kept.classes, left_out), usable


def _together(number: NDArray[np.intp]) -> tuple[tuple[int, ...], ...]:
    """The groups of more than one, as rows."""
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    return tuple(tuple(part.tolist()) for part in parts if len(part) > 1)


def _contradicts(data: Labelled, target: str, rows: Sequence[int]) -> bool:
    some = data[np.array(rows)]
    labels = some.labels[target][some.known(target)]
    return len(labels) > 1 and bool(np.ptp(labels) > (5 if target == AGE else 0))


def to_json(found: Exploration) -> dict[str, Any]:
    """What ``json.dumps`` takes."""

    def files(copies: Iterable[Sequence[int]]) -> list[list[str]]:
        return [[str(found.data.paths[row]) for row in rows] for rows in copies]

    return {
        "photographs": len(found.data),
        "usable": int(found.usable.sum()),
        "data_sha256": found.sha256,
        "labels": {target: _counts(found.data, target) for target in found.data.labels},
        "made_by_augmentation": int(found.data.copies.sum()),
        "left_out": [{"file": str(path), "why": why} for path, why in found.left_out],
        "equal_files": found.equal_files,
        "copies": files(found.copies),
        "contradicted": {target: files(copies) for target, copies in found.contradicted.items()},
    }


def markdown(found: Exploration) -> str:
    """The same, to be read."""
    data, more = found.data, sum(len(rows) - 1 for rows in found.copies)
    parts = [
        "# What is in the data set",
        f"{len(data):,} labelled photographs, {found.usable.sum():,} of them usable. SHA-256 of files and labels:"
        f" `{found.sha256}`.\n\n![Distribution of each label]({PICTURE})",
    ]
    for target in data.labels:
        counts = _counts(data, target)
        rows = [(name, f"{count:,}", f"{count / len(data):.1%}") for name, count in counts.items()]
        parts.append(f"## {target}\n\n{table((target, 'photographs', 'share'), rows)}")
    reasons = Counter(why for _, why in found.left_out)
    parts.append("## Left out\n\n" + (_left_out(found, reasons) if reasons else "Nothing."))
    parts.append(
        f"## More than once\n\n{more:,} photographs are there already: {found.equal_files:,} as an equal file, the"
        f" others as one that looks the same, or made by augmentation ({data.copies.sum():,}). They stay, each with the"
        " others in one part of the split."
    )
    if any(found.contradicted.values()):
        different = [(target, f"{len(copies):,}") for target, copies in found.contradicted.items()]
        parts.append(
            f"Of {len(found.copies):,} pictures that are there more than once, so many have different labels (ages:"
            " more than 5 years apart), which no model can get all right:\n\n" + table(("label", "pictures"), different)
        )
        for target, copies in found.contradicted.items():
            lines = [", ".join(data.paths[row].name for row in rows) for rows in copies]
            parts += [f"{target}:\n\n{_listed(lines)}"] if lines else []
    return "\n\n".join(parts) + "\n"


def _left_out(found: Exploration, reasons: Counter[str]) -> str:
    rows = [(why, f"{count:,}") for why, count in reasons.most_common()]
    return f"{table(('why', 'files'), rows)}\n\n{_listed([f'{path}: {why}' for path, why in found.left_out])}"


def _listed(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - ROWS:,} more"] if len(lines) > ROWS else []
    return "\n".join(f"- {line}" for line in [*lines[:ROWS], *more])


def _counts(data: Labelled, target: str) -> dict[str, int]:
    """Photographs of each class, or decade, and of none."""
    known = data.known(target)
    if target == AGE:
        decades = np.bincount((data.labels[AGE][known] // DECADE).astype(np.intp))
        counts = {f"{at * DECADE}-{at * DECADE + DECADE - 1}": count for at, count in enumerate(decades.tolist())}
    else:
        counts = data.counts(target)
    unknown = int((~known).sum())
    return counts | ({"unknown": unknown} if unknown else {})


def draw(data: Labelled, path: Path) -> None:
    """A PNG with a panel for each label. Raises FacesError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise FacesError("matplotlib is not installed; run: pip install -r requirements.txt") from error
    figure = Figure(figsize=(5 * len(data.labels), 4), layout="constrained")
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
